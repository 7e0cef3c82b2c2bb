/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is known of a peer, for people: figures, and one line for each change of its state but for one that flaps. */
#include <stdio.h>
#include <time.h>
#include "common/dia/dia_hub_in.h"
#include "common/base/owner_of.h"

#define TELL_MS  60000 /* in so long */
#define TELL_MAX 20    /* so many changes of state are told */

/* Figures. */

/* The least of the codes seen so far gives way to a new one: what happens all the time stays. */
static void count_error(struct dia_identity *id, const struct result *r)
{
	struct dia_hub_error *least = &id->errors[0];

	if (!r->code || r->code / 1000 == 2)
		return;
	for (size_t i = 0; i < DIA_HUB_ERRORS; i++) {
		struct dia_hub_error *e = &id->errors[i];

		if (e->code == r->code && e->experimental == r->experimental) {
			e->n++;
			return;
		}
		if (e->n < least->n)
			least = e;
	}
	*least = (struct dia_hub_error){ .code = r->code, .experimental = r->experimental, .n = 1 };
}

void dia_figures_answer(struct dia_identity *id, struct span answer)
{
	struct result r;

	if (!id)
		return;
	dia_build_result(&r, answer);
	count_error(id, &r);
}

/* One of eight: a single slow answer does not hide the rest. */
void dia_figures_round_trip(struct dia_identity *id, uint64_t us)
{
	id->round_trip_us = id->round_trip_us ? (7 * id->round_trip_us + us) / 8 : us;
}

void dia_figures_apps(struct dia_identity *id, const struct dia_caps *peer)
{
	const struct dia_caps *us = &id->hub->caps;

	id->n_apps = 0;
	for (size_t i = 0; i < us->n_apps; i++) {
		bool common = peer->relay;

		for (size_t k = 0; k < peer->n_apps; k++)
			common |= peer->apps[k] == us->apps[i];
		if (common && id->n_apps < DIA_HUB_APPS)
			id->apps[id->n_apps++] = us->apps[i];
	}
}

static void figures_of(const struct dia_identity *id, struct dia_hub_peer_figures *f)
{
	*f = (struct dia_hub_peer_figures){ .identity = id->name,
					    .dialled = id->dial,
					    .held_off = id->held_off,
					    .open = dia_hub_is_open(id->hub, id->name),
					    .pending = id->pending,
					    .since_ms = id->since_ms,
					    .requests_in = id->requests_in,
					    .requests_out = id->requests_out,
					    .answers_in = id->answers_in,
					    .stray = id->stray,
					    .round_trip_us = id->round_trip_us,
					    .n_apps = id->n_apps };
	memcpy(f->apps, id->apps, sizeof(f->apps));
	memcpy(f->errors, id->errors, sizeof(f->errors));
	for (unsigned i = 0; i < id->n_links; i++) {
		if (!id->links[i] || !id->links[i]->opened)
			continue;
		f->connections++;
		sockaddr_text(f->address, &id->links[i]->from);
		dia_secure_figures(id->links[i], f);
	}
}

void dia_hub_figures(struct dia_hub *h, void (*fn)(void *owner, const struct dia_hub_peer_figures *f), void *owner)
{
	struct dia_hub_peer_figures f;

	for (size_t i = 0; i < DIA_HUB_BUCKETS; i++)
		for (struct dia_identity *id = h->identities[i]; id; id = id->next) {
			figures_of(id, &f);
			fn(owner, &f);
		}
}

/* Changes of state. */

static void on_tell_later(struct dia_timer *t)
{
	struct dia_identity *id = owner_of(t, struct dia_identity, tell_later);
	char text[96];

	snprintf(text, sizeof(text), "changed its state %u times more, and is %s now", id->untold,
		 id->ready ? "connected" : "not connected");
	id->untold = id->told = 0;
	dia_hub_tell(id->hub, DIA_HUB_FLAPS, id->name, text);
}

void dia_figures_change(struct dia_identity *id, enum dia_hub_event ev, const char *detail)
{
	uint64_t now = dia_hub_now(id->hub);

	if (now - id->told_ms >= TELL_MS && !id->untold) {
		id->told_ms = now;
		id->told = 0;
	}
	if (id->told < TELL_MAX) {
		id->told++;
		dia_hub_tell(id->hub, ev, id->name, detail);
		return;
	}
	id->tell_later.on_time = on_tell_later;
	if (!id->untold++)
		dia_loop_timer(id->hub->loop, &id->tell_later, TELL_MS);
}
