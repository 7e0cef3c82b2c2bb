/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file flow.c
 *  A BIR, from what was read to its answer. */
#include "bsf/zn/flow.h"

#include <errno.h>
#include <stdlib.h>
#include "bsf/zn/answer.h"
#include "common/dia/dia_hub.h"
#include "common/dia/zn_wire.h"
#include "common/rt/counters.h"

/* One BIR, in the table until answered. */
struct job {
	struct zn_flow *f;
	struct dia_reply *reply;
	struct zn_bir bir;
	struct deadline deadline;
	uint32_t slot;
};

struct zn_flow {
	struct zn_flow_cfg cfg;
	struct store *store;
	unsigned in_flight;
	uint32_t round;    /* upper half of a txn id, so that a late answer finds nothing */
	struct job **jobs; /* in_flight_max slots */
	uint64_t *txns;    /* of each slot */
	uint32_t next;     /* where the search for a free slot begins */
};

static int put_bia(struct writer *w, struct span request, const struct dia_self *self, const void *bia)
{
	return zn_wire_bia_put(w, request, self, bia);
}

int zn_flow_put(void *reply, const struct zn_bia *bia)
{
	return dia_reply_put(reply, put_bia, bia);
}

static void job_free(struct job *j)
{
	deadline_stop(&j->deadline);
	j->f->jobs[j->slot] = NULL;
	j->f->in_flight--;
	free(j);
}

/* What the store found, as this application has to see it. */
static struct zn_found zn_flow_found(const struct zn_flow *f, const struct zn_bir *bir, const struct store_answer *a)
{
	bool revoked = a->session && store_naf_revoked(f->store, bir->naf_id.fqdn, a->session);

	return (struct zn_found){
		.rc = revoked ? -EKEYREVOKED : a->rc,
		.session = a->session,
		.uses = a->uses,
		.now_s = store_now_s(f->store),
	};
}

/* A key that would be given is counted before it leaves, where the application's policy wants that.
 * \returns what is to be answered; NULL: the store will say it */
static const struct store_answer *zn_flow_count(const struct zn_flow *f, const struct zn_bir *bir,
						const struct store_answer *a, uint64_t txn)
{
	struct zn_found found = zn_flow_found(f, bir, a);
	struct gba_session s = { .guss = NULL };

	if (a->op != STORE_GET || !zn_answer_counts(bir, &found))
		return a;
	gba_session_copy(&s, a->session); /* the store forgets what it lent */
	a = store_use(f->store, &s, bir->naf_id.fqdn, txn);
	gba_session_clear(&s);
	return a;
}

static void job_end(struct job *j, const struct store_answer *a)
{
	struct zn_found found = zn_flow_found(j->f, &j->bir, a);

	(void)zn_answer(&j->bir, &found, zn_flow_put, j->reply);
	job_free(j);
}

static void on_deadline(void *data)
{
	job_end(data, &(struct store_answer){ .rc = -EIO });
}

static void on_store(void *owner, uint64_t txn, const struct store_answer *a)
{
	struct zn_flow *f = owner;
	uint32_t slot = (uint32_t)txn;

	if (!f->jobs[slot] || f->txns[slot] != txn)
		return;
	a = zn_flow_count(f, &f->jobs[slot]->bir, a, txn);
	if (!a)
		return;
	job_end(f->jobs[slot], a);
	store_forget(f->store); /* what store_use() said at once */
}

/* A number that no call has had, and that finds a free slot: in_flight counts every job, so one of in_flight_max is free. */
static uint64_t txn_next(struct zn_flow *f)
{
	while (f->jobs[f->next])
		f->next = (f->next + 1) % f->cfg.in_flight_max;
	return (uint64_t)++f->round << 32 | f->next;
}

static void slot_take(struct job *j, uint64_t txn)
{
	struct zn_flow *f = j->f;

	j->slot = (uint32_t)txn;
	f->jobs[j->slot] = j;
	f->txns[j->slot] = txn;
	f->in_flight++;
}

static int flow_destroy(struct zn_flow *f)
{
	talloc_free(f->store);
	for (unsigned i = 0; f->jobs && i < f->cfg.in_flight_max; i++) {
		if (!f->jobs[i])
			continue;
		dia_reply_drop(f->jobs[i]->reply);
		job_free(f->jobs[i]);
	}
	return 0;
}

struct zn_flow *zn_flow_new(void *ctx, const struct zn_flow_cfg *cfg)
{
	struct zn_flow *f = talloc_zero(ctx, struct zn_flow);

	if (!f)
		return NULL;
	talloc_set_destructor(f, flow_destroy);
	f->cfg = *cfg;
	f->jobs = talloc_zero_array(f, struct job *, cfg->in_flight_max);
	f->txns = talloc_zero_array(f, uint64_t, cfg->in_flight_max);
	f->store = store_new(f, cfg->store, on_store, f);
	if (!f->jobs || !f->txns || !f->store) {
		talloc_free(f);
		return NULL;
	}
	return f;
}

/* The answer of the store will come. */
static void job_keep(struct zn_flow *f, struct dia_reply *r, const struct zn_bir *bir, uint64_t txn)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j) {
		(void)zn_answer(bir, &(struct zn_found){ .rc = -EBUSY }, zn_flow_put, r);
		return;
	}
	j->reply = dia_reply_keep(r);
	if (!j->reply) { /* 3004 has gone out */
		counter_inc(CAUSE_zn_busy);
		free(j);
		return;
	}
	j->f = f;
	j->bir = *bir;
	slot_take(j, txn);
	deadline_start(f->cfg.deadlines, &j->deadline, f->cfg.timeout_ms, on_deadline, j);
}

int zn_flow_take(struct zn_flow *f, struct dia_reply *r, const struct zn_bir *bir)
{
	const struct store_answer *a;
	struct zn_found found;
	uint64_t txn;

	if (f->in_flight >= f->cfg.in_flight_max)
		return -EBUSY;
	txn = txn_next(f);
	a = store_get(f->store, &bir->btid, txn);
	if (a)
		a = zn_flow_count(f, bir, a, txn);
	if (!a) {
		job_keep(f, r, bir, txn);
		return 0;
	}
	found = zn_flow_found(f, bir, a);
	(void)zn_answer(bir, &found, zn_flow_put, r);
	store_forget(f->store);
	return 0;
}

unsigned zn_flow_in_flight(const struct zn_flow *f)
{
	return f->in_flight;
}
