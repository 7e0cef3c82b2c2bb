/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/share.h"

#include <stdint.h>
#include <talloc.h>
#include "bsf/policy/overload.h"
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"

#define SLOTS 1024

struct ub_share {
	uint64_t key[2];
	struct {
		struct llist_head owing; /* oldest first */
		unsigned n;
	} slot[SLOTS];
};

struct ub_share *ub_share_new(void *ctx)
{
	struct ub_share *s = talloc_zero(ctx, struct ub_share);

	if (!s)
		return NULL;
	for (unsigned i = 0; i < SLOTS; i++)
		INIT_LLIST_HEAD(&s->slot[i].owing);
	if (rng_fill(s->key, sizeof(s->key)) == 0)
		return s;
	talloc_free(s);
	return NULL;
}

void ub_share_join(struct ub_share *s, struct ub_place *p, const void *from)
{
	uint8_t source[16];
	size_t len = from ? overload_source_key(source, from) : 0;

	p->share = s;
	p->slot = keyed_hash(s->key, span_of(source, len)) % SLOTS;
}

void ub_share_owes(struct ub_place *p)
{
	ub_share_paid(p);
	llist_add_tail(&p->entry, &p->share->slot[p->slot].owing);
	p->share->slot[p->slot].n++;
	p->owes = true;
}

void ub_share_paid(struct ub_place *p)
{
	if (!p->owes)
		return;
	llist_del(&p->entry);
	p->share->slot[p->slot].n--;
	p->owes = false;
}

struct ub_place *ub_share_oldest(struct ub_share *s)
{
	unsigned most = 0;

	for (unsigned i = 1; i < SLOTS; i++) {
		if (s->slot[i].n > s->slot[most].n)
			most = i;
	}
	return s->slot[most].n ? llist_entry(s->slot[most].owing.next, struct ub_place, entry) : NULL;
}
