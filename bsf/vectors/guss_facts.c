/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/guss_facts.h"

#include <errno.h>
#include <stdlib.h>
#include <talloc.h>
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"

#define SLOTS    8192 /* power of two */
#define KEPT_MAX (GUSS_MEMO_MAX / SLOTS)

/* Known by 128 bits of two keyed hashes and its length: no two documents share them by chance, nor by anybody's choice. */
struct slot {
	uint64_t h[2];
	size_t len; /* 0: free */
	struct guss_facts facts;
	struct guss_blob *kept;
};

struct guss_memo {
	uint64_t key[2][2];
	uint64_t hits;
	struct slot slot[SLOTS];
};

static void facts_take(struct guss_facts *out, struct guss_told *told, const struct guss *g)
{
	out->has_life_time = g->has_life_time;
	out->life_time_s = g->life_time_s;
	out->gba_u = g->uicc_type && strcmp(g->uicc_type, "GBA_U") == 0;
	out->mac_star = g->mac_star_sha256 ? GBA_U_SHA256 : GBA_U_SHA1;
	told->left_out = g->n_left_out;
	told->why = g->left_out;
}

int guss_facts_read(struct guss_facts *out, struct guss_blob **kept, struct guss_told *told, struct span xml,
		    enum guss_bad_uss rule)
{
	struct guss *g;
	uint8_t *copy;
	size_t len;
	int rc;

	*out = (struct guss_facts){ 0 };
	told->left_out = 0;
	told->odd.text[0] = '\0';
	*kept = NULL;
	if (!xml.len)
		return 0;
	rc = guss_copy_make(&copy, &len, &g, &told->odd, xml, rule, NULL);
	if (rc < 0)
		return rc == -ENOMEM ? rc : -EBADMSG;
	facts_take(out, told, g);
	guss_free(g);
	*kept = guss_blob_new(span_of(copy, len));
	free(copy);
	return *kept ? 0 : -ENOMEM;
}

bool guss_facts_kept(struct guss_facts *out, int64_t *when, struct span kept)
{
	struct guss_copy c;
	bool all;

	if (guss_copy_open(&c, kept) < 0)
		return false;
	all = c.has_facts && c.has_timestamp;
	*when = c.timestamp;
	*out = (struct guss_facts){ c.has_life_time, c.life_time_s, c.gba_u,
				    c.mac_star_sha256 ? GBA_U_SHA256 : GBA_U_SHA1 };
	guss_copy_close(&c);
	return all;
}

static int memo_end(struct guss_memo *m)
{
	for (size_t i = 0; i < SLOTS; i++)
		guss_blob_put(m->slot[i].kept);
	return 0;
}

struct guss_memo *guss_memo_new(void *ctx)
{
	struct guss_memo *m = talloc_zero(ctx, struct guss_memo);

	if (m && rng_fill(m->key, sizeof(m->key)) < 0) {
		talloc_free(m);
		return NULL;
	}
	if (m)
		talloc_set_destructor(m, memo_end);
	return m;
}

int guss_memo_read(struct guss_memo *m, struct guss_facts *out, struct guss_blob **kept, struct guss_told *told,
		   struct span xml, enum guss_bad_uss rule)
{
	uint64_t h[2];
	struct slot *s;
	int rc;

	if (!xml.len)
		return guss_facts_read(out, kept, told, xml, rule);
	h[0] = keyed_hash(m->key[0], xml);
	h[1] = keyed_hash(m->key[1], xml);
	s = &m->slot[h[0] & (SLOTS - 1)];
	if (s->len == xml.len && s->h[0] == h[0] && s->h[1] == h[1]) {
		m->hits++;
		*out = s->facts;
		*kept = guss_blob_get(s->kept);
		told->left_out = 0;
		told->odd.text[0] = '\0';
		return 0;
	}
	rc = guss_facts_read(out, kept, told, xml, rule);
	if (rc == 0 && !told->left_out && !told->odd.text[0] && guss_blob_span(*kept).len <= KEPT_MAX) {
		guss_blob_put(s->kept);
		*s = (struct slot){ { h[0], h[1] }, xml.len, *out, guss_blob_get(*kept) };
	}
	return rc;
}

uint64_t guss_memo_hits(const struct guss_memo *m)
{
	return m->hits;
}
