/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* All peers anew, one after the other: the next one when this one is back, so that hardly ever more than one is away. */
#include <stdio.h>
#include "common/base/owner_of.h"
#include "common/dia/dia_hub_in.h"

#define LOOK_MS 20
/* one that stays away does not keep the others */
#define AWAY_MS (DIA_DRAIN_MS + 3000)

static struct dia_identity *marked(struct dia_hub *h)
{
	for (size_t i = 0; i < DIA_HUB_BUCKETS; i++)
		for (struct dia_identity *id = h->identities[i]; id; id = id->next)
			if (id->renew)
				return id;
	return NULL;
}

static void begin_next(struct dia_hub *h, struct dia_identity *id)
{
	id->renew = false;
	h->renewing = id->name;
	h->renew_until_ms = dia_hub_now(h) + AWAY_MS;
	(void)dia_hub_reconnect(h, id->name);
}

static void on_look(struct dia_timer *t)
{
	struct dia_hub *h = owner_of(t, struct dia_hub, renewal);
	struct dia_identity *next;

	if (!h->renewing || dia_hub_is_open(h, h->renewing) || dia_hub_now(h) >= h->renew_until_ms) {
		next = marked(h);
		h->renewing = NULL;
		if (!next)
			return;
		begin_next(h, next);
	}
	dia_loop_timer(h->loop, t, LOOK_MS);
}

void dia_hub_reconnect_all(struct dia_hub *h)
{
	for (size_t i = 0; i < DIA_HUB_BUCKETS; i++)
		for (struct dia_identity *id = h->identities[i]; id; id = id->next)
			id->renew = dia_identity_is_ready(id);
	h->renewal.on_time = on_look;
	dia_loop_timer(h->loop, &h->renewal, 0);
}
