/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file mem_session.c
 *  Sessions in memory under their RAND. */
#include "bsf/store/mem.h"

#include <errno.h>
#include <stdlib.h>

/* RAND is uniform, so its first octets choose. */
static struct mem_session_stripe *mem_session_stripe(struct store_mem *m, const uint8_t *rand)
{
	return &m->by_rand[rand[0]];
}

static struct mem_session_node **mem_session_find(struct mem_session_stripe *st, const uint8_t *rand)
{
	struct mem_session_node **p = &st->buckets[rand[1]];

	while (*p && memcmp((*p)->s.rand, rand, AKA_RAND_LEN))
		p = &(*p)->next;
	return p;
}

void mem_session_node_free(struct mem_session_node *n)
{
	if (n) {
		gba_session_clear(&n->s);
		free(n);
	}
}

/* \param[in] tombstone remove also what was revoked. \returns is it gone? */
bool mem_session_remove(struct store_mem *m, const uint8_t *rand, bool tombstone)
{
	struct mem_session_stripe *st = mem_session_stripe(m, rand);
	struct mem_session_node **p, *n;

	pthread_mutex_lock(&st->lock);
	p = mem_session_find(st, rand);
	n = *p;
	if (n && n->revoked && !tombstone) {
		pthread_mutex_unlock(&st->lock);
		return false;
	}
	if (n)
		*p = n->next;
	pthread_mutex_unlock(&st->lock);
	if (n && !n->revoked)
		atomic_fetch_sub(&m->sessions, 1);
	mem_session_node_free(n);
	return true;
}

int mem_session_add(struct store_mem *m, struct mem_session_node *n)
{
	struct mem_session_stripe *st = mem_session_stripe(m, n->s.rand);
	struct mem_session_node **p;
	int rc = 0;

	pthread_mutex_lock(&st->lock);
	p = mem_session_find(st, n->s.rand);
	if (*p)
		rc = -EEXIST;
	else
		*p = n;
	pthread_mutex_unlock(&st->lock);
	atomic_fetch_add(&m->sessions, rc == 0);
	return rc;
}

int mem_session_get(struct store_mem *m, const struct btid *id, struct gba_session *out)
{
	struct mem_session_stripe *st = mem_session_stripe(m, id->rand);
	int64_t now = store_wall_s();
	struct mem_session_node *n;
	int rc = -ENOENT;

	pthread_mutex_lock(&st->lock);
	n = *mem_session_find(st, id->rand);
	if (n && !n->revoked && store_session_is(&m->sh, &n->s, id, now)) {
		gba_session_copy(out, &n->s);
		rc = 0;
	}
	pthread_mutex_unlock(&st->lock);
	return rc;
}

/* \param[in] domain NULL: any. \returns 1 if a session that still counted was revoked */
unsigned mem_session_revoke(struct store_mem *m, const uint8_t *rand, const char *domain)
{
	struct mem_session_stripe *st = mem_session_stripe(m, rand);
	int64_t now = store_wall_s();
	struct mem_session_node *n;
	unsigned revoked = 0;

	pthread_mutex_lock(&st->lock);
	n = *mem_session_find(st, rand);
	if (n && !n->revoked && n->s.expires_at > now &&
	    (!domain || span_ieq(span_str(domain), span_str(n->s.bsf_name)))) {
		secret_clear(&n->s.ks);
		guss_blob_put(n->s.guss);
		n->s.guss = NULL;
		n->revoked = true;
		revoked = 1;
	}
	pthread_mutex_unlock(&st->lock);
	atomic_fetch_sub(&m->sessions, revoked);
	return revoked;
}

void mem_session_guss(struct store_mem *m, const uint8_t *rand, struct store_req *r, int64_t when)
{
	struct mem_session_stripe *st = mem_session_stripe(m, rand);
	int64_t now = store_wall_s();
	struct mem_session_node *n;

	pthread_mutex_lock(&st->lock);
	n = *mem_session_find(st, rand);
	if (n && !n->revoked && n->s.expires_at > now) {
		if (r->op == STORE_FIND_GUSS)
			store_guss_found(r, n->s.guss);
		else if (guss_push_replace(&n->s.guss, r->session.guss, when))
			r->revoked++;
		else
			r->as_new++;
	}
	pthread_mutex_unlock(&st->lock);
}

/* The first session of a stripe that is over. */
bool mem_session_expired(struct mem_session_stripe *st, int64_t now, int64_t beyond, struct impi *impi, uint8_t *rand)
{
	bool found = false;

	pthread_mutex_lock(&st->lock);
	for (unsigned b = 0; b < MEM_BUCKETS && !found; b++)
		for (struct mem_session_node *n = st->buckets[b]; n && !found; n = n->next) {
			if (n->s.expires_at > now && n->s.expires_at <= beyond)
				continue;
			*impi = n->s.impi;
			memcpy(rand, n->s.rand, AKA_RAND_LEN);
			found = true;
		}
	pthread_mutex_unlock(&st->lock);
	return found;
}
