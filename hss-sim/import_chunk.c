/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/import_chunk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/crypto/sqn.h"

#define OCTETS_MAX (4u << 20) /* of GUSSs in a chunk, but for the last one; of each row, also where rows share one */

static void forget_docs(struct import_chunk *c)
{
	while (c->n_docs)
		free(c->docs[--c->n_docs]);
}

/* Consecutive rows that name the same document share it. \param[in] other it is not the one of the row before */
static int lend_guss(struct import_chunk *c, struct subscriber_row *r, bool other)
{
	const struct import_guss *g = &c->plan->guss;
	uint8_t *doc;

	if (other || !c->n_docs) {
		doc = malloc(g->xml.len);
		if (!doc)
			return -ENOMEM;
		c->docs[c->n_docs++] = memcpy(doc, g->xml.p, g->xml.len);
	}
	r->guss = c->docs[c->n_docs - 1];
	r->guss_len = g->xml.len;
	r->has_guss_timestamp = g->has_timestamp;
	r->guss_timestamp = g->timestamp;
	return 0;
}

int import_chunk_row(struct subscriber_row *r, const struct csv_subscriber *s, const struct subscriber_db *db,
		     uint64_t now_ms, struct err *err)
{
	*r = (struct subscriber_row){
		.impi = s->impi,
		.cred = s->cred,
		.ind_fixed = s->ind,
		.ind_bits = s->ind_bits,
		.profile = s->profile,
		.seq = s->sqn >> s->ind_bits,
	};
	r->dif = sqn_home_dif(r->seq, now_ms);
	r->guss_changed_ms = (int64_t)now_ms;
	memcpy(r->imsi, s->imsi, sizeof(r->imsi));
	if (s->sealed_len)
		return subscriber_db_unseal(db, &r->cred, &s->impi, span_of(s->sealed, s->sealed_len), err);
	if (s->op.len && aka_opc_make(&r->cred.opc, &r->cred, &s->op) < 0)
		return err_set(err, -EIO, "OPc cannot be computed");
	return 0;
}

static int row_failed(struct import_chunk *c, size_t i, int rc, const char *what)
{
	return err_set(&c->err, rc, "%s:%u: %s", c->plan->path, c->plan->rows[i].line, what);
}

static int seal_row(struct import_chunk *c, size_t i, const struct csv_subscriber *s)
{
	struct subscriber_ready *ready = &c->rows[c->n];
	struct err why = { "" };
	int rc = import_chunk_row(&ready->row, s, c->db, c->now_ms, &why);

	if (rc < 0)
		return row_failed(c, i, rc, why.text);
	return subscriber_db_ready(c->db, ready) < 0 ? row_failed(c, i, -EIO, "its keys cannot be sealed") : 0;
}

/* Row i of the plan becomes the next one of the chunk. */
static int make_ready(struct import_chunk *c, size_t i)
{
	struct subscriber_row *r = &c->rows[c->n].row;
	struct csv_subscriber s;
	int rc = import_plan_get(c->plan, i, &s, &c->err), other = rc;

	if (rc < 0)
		return rc;
	rc = seal_row(c, i, &s);
	if (rc == 0 && s.guss.len && lend_guss(c, r, other) < 0)
		rc = row_failed(c, i, -ENOMEM, "no memory");
	csv_subscriber_clear(&s);
	c->n += rc == 0;
	return rc;
}

static void *make_all(void *chunk)
{
	struct import_chunk *c = chunk;

	c->rc = 0;
	c->octets = 0;
	for (size_t i = c->from; i < c->end && c->rc == 0 && c->octets < OCTETS_MAX; i++) {
		c->rc = make_ready(c, i);
		if (c->rc == 0)
			c->octets += c->rows[c->n - 1].row.guss_len;
	}
	return NULL;
}

void import_chunk_start(struct import_chunk *c)
{
	forget_docs(c);
	c->n = 0;
	c->running = pthread_create(&c->thread, NULL, make_all, c) == 0;
	if (!c->running)
		make_all(c);
}

int import_chunk_wait(struct import_chunk *c)
{
	if (c->running)
		pthread_join(c->thread, NULL);
	c->running = false;
	return c->rc;
}

void import_chunk_free(struct import_chunk *c)
{
	if (!c)
		return;
	import_chunk_wait(c);
	forget_docs(c);
	free(c);
}
