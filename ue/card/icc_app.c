/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which application of a card it is (TS 33.220 4.4.8). Pure. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "ue/card/icc.h"

void icc_apps_read(struct icc_apps *out, struct span r)
{
	static const uint8_t rid[] = { 0xa0, 0, 0, 0, 0x87, 0x10 };
	*out = (struct icc_apps){ .now = -1 };
	for (size_t at = 0; at + 4 <= r.len && out->n < ICC_APPS_MAX;) {
		const uint8_t *p = r.p + at;
		size_t len = p[1], aid = p[3];
		struct icc_app *app = &out->list[out->n];

		if (p[0] != 0x61 || at + 2 + len > r.len || p[2] != 0x4f || aid + 2 > len) {
			at++;
			continue;
		}
		at += 2 + len;
		if (aid < 7 || aid > ICC_AID_MAX || memcmp(p + 4, rid, sizeof(rid)) != 0 || (p[10] != 2 && p[10] != 4))
			continue;
		*app = (struct icc_app){ .kind = p[10] == 2 ? CARD_APP_USIM : CARD_APP_ISIM, .aid_len = (uint8_t)aid };
		memcpy(app->aid, p + 4, aid);
		if (len >= aid + 4 && p[4 + aid] == 0x50 && p[5 + aid] <= ICC_LABEL_MAX && aid + 4 + p[5 + aid] <= len)
			memcpy(app->label, p + 6 + aid, p[5 + aid]);
		out->n++;
	}
}

/* \returns the chosen one if it is of this kind, else one that is active, else one that is not; -ENOENT there is none */
static int one_of(const struct icc_apps *a, enum card_app kind, bool active_only)
{
	int found = -ENOENT;

	if (a->now >= 0 && a->list[a->now].kind == kind)
		return a->now;
	for (size_t i = a->n; i-- > 0;) {
		if (a->list[i].kind == kind && (a->active[i] || (!active_only && (found < 0 || !a->active[found]))))
			found = (int)i;
	}
	return found;
}

static int of_label(const struct icc_apps *a, const char *label)
{
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->list[i].label, label) != 0)
			continue;
		if (a->list[i].kind == CARD_APP_USIM && !a->active[i] && one_of(a, CARD_APP_USIM, true) >= 0)
			return -EBUSY;
		return (int)i;
	}
	return -ENOENT;
}

int icc_choose(const struct icc_apps *a, enum card_wish wish, const char *label)
{
	const int usim = one_of(a, CARD_APP_USIM, false), isim = one_of(a, CARD_APP_ISIM, false);
	const int active_usim = one_of(a, CARD_APP_USIM, true), active_isim = one_of(a, CARD_APP_ISIM, true);

	switch (wish) {
	case CARD_WISH_LABEL:
		return of_label(a, label);
	case CARD_WISH_USIM:
		return usim;
	case CARD_WISH_ISIM:
		return isim >= 0 ? isim : usim;
	default:
		if (active_usim >= 0 || active_isim >= 0)
			return active_usim >= 0 ? active_usim : active_isim;
		return usim >= 0 ? usim : isim;
	}
}
