/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file flow.c
 *  A BIR whose session is in another process. */
#include "bsf/zn/flow.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "bsf/zn/answer.h"
#include "common/rt/inbox.h"
#include "common/rt/log_cat.h"

/* One BIR: in the inbox, then in the table until answered. */
struct job {
	struct inbox_item item; /* must be first */
	struct zn_flow *f;
	struct msg *m;
	struct zn_bir bir;
	struct deadline deadline;
	uint32_t slot;
};

struct zn_flow {
	struct zn_flow_cfg cfg;
	struct store *store;
	struct inbox *inbox;
	atomic_uint in_flight; /* posted and not ended */
	uint32_t round;        /* upper half of a txn id, so that a late answer finds nothing */
	struct job **jobs;     /* in_flight_max slots */
	uint64_t *txns;        /* of each slot */
	uint32_t next;         /* where the search for a free slot begins */
};

static void job_free(struct job *j)
{
	deadline_stop(&j->deadline);
	if (j->m)
		fd_msg_free(j->m);
	atomic_fetch_sub(&j->f->in_flight, 1);
	free(j);
}

static int zn_flow_encode(void *m, const struct zn_bia *bia)
{
	return zn_bia_encode(m, bia);
}

static void job_end(struct job *j, int store_rc, const struct gba_session *s)
{
	struct zn_flow *f = j->f;

	f->jobs[j->slot] = NULL;
	if (zn_answer(&j->bir, store_rc, s, zn_flow_encode, &j->m) == 0)
		(void)f->cfg.send(&j->m); /* tells what it cannot send */
	job_free(j);
}

static void on_deadline(void *data)
{
	job_end(data, -EIO, NULL);
}

static void on_store(void *owner, uint64_t txn, const struct store_answer *a)
{
	struct zn_flow *f = owner;
	uint32_t slot = (uint32_t)txn;

	if (f->jobs[slot] && f->txns[slot] == txn)
		job_end(f->jobs[slot], a->rc, a->session);
}

/* in_flight counts every job, so one of in_flight_max slots is free. */
static void slot_take(struct job *j)
{
	struct zn_flow *f = j->f;

	while (f->jobs[f->next])
		f->next = (f->next + 1) % f->cfg.in_flight_max;
	j->slot = f->next;
	f->jobs[j->slot] = j;
	f->txns[j->slot] = (uint64_t)++f->round << 32 | j->slot;
}

static void job_run(void *owner, struct inbox_item *item, bool stopping)
{
	struct job *j = (struct job *)item;
	struct zn_flow *f = owner;

	if (stopping) {
		job_free(j);
		return;
	}
	slot_take(j);
	deadline_start(f->cfg.deadlines, &j->deadline, f->cfg.timeout_ms, on_deadline, j);
	if (store_get(f->store, &j->bir.btid, f->txns[j->slot]) < 0)
		job_end(j, -EIO, NULL);
}

static int flow_destroy(struct zn_flow *f)
{
	talloc_free(f->store);
	inbox_free(f->inbox);
	for (unsigned i = 0; f->jobs && i < f->cfg.in_flight_max; i++)
		if (f->jobs[i])
			job_free(f->jobs[i]);
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
	f->inbox = inbox_new(cfg->in_flight_max, f);
	if (!f->jobs || !f->txns || !f->store || !f->inbox || inbox_attach(f->inbox) < 0) {
		talloc_free(f);
		return NULL;
	}
	return f;
}

int zn_flow_post(struct zn_flow *f, struct msg **m, const struct zn_bir *bir)
{
	struct job *j;

	if (atomic_fetch_add(&f->in_flight, 1) >= f->cfg.in_flight_max)
		goto busy;
	j = calloc(1, sizeof(*j));
	if (!j)
		goto busy;
	j->item.run = job_run;
	j->f = f;
	j->bir = *bir;
	j->m = *m;
	if (inbox_post(f->inbox, &j->item) < 0) {
		free(j);
		goto busy;
	}
	*m = NULL;
	return 0;
busy:
	atomic_fetch_sub(&f->in_flight, 1);
	return -EBUSY;
}

unsigned zn_flow_in_flight(struct zn_flow *f)
{
	return atomic_load(&f->in_flight);
}
