/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/agent/changes.h"

#include <string.h>

/* One at a time: what ends before what begins, a key before its card. \returns NULL none */
static const char *change_of(struct changes *c, size_t i, const struct ue_realm *r, bool active)
{
	const char *btid = r->card && r->keys.has_ks ? r->keys.btid : "";
	const bool was_active = c->seen[i].active;

	if (strcmp(c->seen[i].btid, btid) != 0) {
		strcpy(c->seen[i].btid, btid);
		return btid[0] ? "key" : "no-key";
	}
	if (c->seen[i].card != (r->card != NULL)) {
		c->seen[i].card = r->card != NULL;
		return r->card ? "card" : "no-card";
	}
	c->seen[i].active = active;
	return active && !was_active ? "active" : NULL;
}

bool changes_next(struct changes *c, const struct gba_ue *ue, struct change *out)
{
	for (size_t i = 0; i < ue->n_realms; i++) {
		const struct ue_realm *r = ue->realms[i];
		const char *what = change_of(c, i, r, r == ue->active);

		if (!what)
			continue;
		*out = (struct change){ what, r };
		return true;
	}
	return false;
}
