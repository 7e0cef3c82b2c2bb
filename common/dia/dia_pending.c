/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_pending.h"

#include <errno.h>
#include <stdlib.h>
#include "common/base/bytes.h"
#include "common/crypto/rng.h"

#define ROOM_FIRST 64

/* An id is the slot in its low bits and how often the slot was used above them, beginning anywhere. */
struct slot {
	struct dia_wait *wait;
	uint32_t uses;
};

struct dia_pending {
	struct slot *slots;
	size_t room, count; /* room: a power of two */
	size_t next;        /* where to look for a free one: each is used again as late as possible */
	uint32_t start;
};

struct dia_pending *dia_pending_new(void)
{
	struct dia_pending *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->slots = calloc(ROOM_FIRST, sizeof(*p->slots));
	if (!p->slots || rng_fill(&p->start, sizeof(p->start)) < 0) {
		dia_pending_free(p);
		return NULL;
	}
	p->room = ROOM_FIRST;
	return p;
}

void dia_pending_free(struct dia_pending *p)
{
	if (!p)
		return;
	free(p->slots);
	free(p);
}

size_t dia_pending_count(const struct dia_pending *p)
{
	return p->count;
}

static struct slot *slot_of(struct dia_pending *p, uint32_t hop_by_hop)
{
	return &p->slots[hop_by_hop % DIA_PENDING_MAX % p->room];
}

/* At most half are in use, so a free one is near. Old ids keep their slot: it is their low bits, and room only grows by
 * slots above. */
static int grow(struct dia_pending *p)
{
	struct slot *more;

	if (p->count < p->room / 2)
		return 0;
	if (p->room == DIA_PENDING_MAX)
		return p->count < p->room ? 0 : -EBUSY;
	more = realloc(p->slots, 2 * p->room * sizeof(*more));
	if (!more)
		return p->count < p->room ? 0 : -ENOMEM;
	memset(more + p->room, 0, p->room * sizeof(*more));
	p->slots = more;
	p->next = p->room;
	p->room *= 2;
	return 0;
}

int dia_pending_add(struct dia_pending *p, struct dia_wait *w)
{
	struct slot *s;
	int rc = grow(p);

	if (rc < 0)
		return rc;
	while (p->slots[p->next % p->room].wait)
		p->next++;
	p->next %= p->room;
	s = &p->slots[p->next];
	w->hop_by_hop = (p->start + s->uses++) * DIA_PENDING_MAX + (uint32_t)p->next++;
	if (!w->hop_by_hop) /* 0 says "not in the table" */
		w->hop_by_hop = (p->start + s->uses++) * DIA_PENDING_MAX;
	s->wait = w;
	p->count++;
	return 0;
}

void dia_pending_del(struct dia_pending *p, struct dia_wait *w)
{
	if (!w->hop_by_hop)
		return;
	slot_of(p, w->hop_by_hop)->wait = NULL;
	w->hop_by_hop = 0;
	p->count--;
}

struct dia_wait *dia_pending_take(struct dia_pending *p, uint32_t hop_by_hop, const void *conn)
{
	struct dia_wait *w = NULL;

	if (hop_by_hop % DIA_PENDING_MAX < p->room)
		w = slot_of(p, hop_by_hop)->wait;
	if (!w || w->hop_by_hop != hop_by_hop || w->conn != conn)
		return NULL;
	dia_pending_del(p, w);
	return w;
}

struct dia_wait *dia_pending_take_any(struct dia_pending *p, const void *conn)
{
	for (size_t i = 0; p->count && i < p->room; i++) {
		struct dia_wait *w = p->slots[i].wait;

		if (w && w->conn == conn) {
			dia_pending_del(p, w);
			return w;
		}
	}
	return NULL;
}
