/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/shard.h"
#include "common/base/clock.h"
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include <osmocom/core/utils.h>
#include "bsf/run/cfg.h"
#include "bsf/run/hlr_cfg.h"
#include "bsf/run/txn.h"
#include "bsf/ub/flow.h"
#include "bsf/ub/http.h"
#include "bsf/vectors/zh_flow.h"
#include "bsf/zn/serve.h"
#include "common/rt/inbox.h"
#include "common/rt/log_cat.h"

#define INBOX_BOUND    65536
#define ZN_TIMEOUT_MS  2000
#define REVOKE_MS      8000 /* what others may serve without asking, and more; but for their grace */
#define REVOKE_STEP_MS 20

struct shard {
	unsigned no;
	const struct shard_env *env;
	pthread_t thread;
	sem_t up;
	struct err *err; /* of shard_start(), until it returns */
	int rc;
	struct inbox *inbox;
	void *ctx; /* of the thread */
	struct deadline_set *deadlines;
	struct txn_table *txns;
	struct store *store;
	struct zh_client *zh;
	struct zn_serve zn;
	struct ub_http *http;
	struct dia_beside beside; /* the peers: HTTP, and words from other threads */
	bool end;
};

/* On the thread, as all that follows. The first shard has the connection to the HLR, if it is one that is asked. */
static struct zh_client *build_gsup(struct shard *s)
{
	struct bsf_hlr *h = bsf_cfg->hlr;
	struct gsup_client_cfg cfg = { .link = s->env->gsup,
				       .inbox = s->inbox,
				       .label = h->label,
				       .guss_dir = h->guss_path,
				       .identities = h->identities,
				       .n_identities = h->n_identities,
				       .timeout_s = &h->timeout_s,
				       .done = txn_zh_done,
				       .owner = s->txns };

	if (s->no == 0 && gsup_link_attach(s->env->gsup, s->deadlines) < 0)
		return NULL;
	return gsup_client_new(s->ctx, &cfg);
}

static struct zh_client *build_zh(struct shard *s)
{
	struct zh_flow_cfg cfg = { .shard = s->no,
				   .deadlines = s->deadlines,
				   .dia = { .inbox = s->inbox,
					    .loop = node_loop(s->env->node, s->no),
					    .node = s->env->node,
					    .via = node_via },
				   .done = txn_zh_done,
				   .owner = s->txns };

	return s->env->gsup ? build_gsup(s) : zh_flow_new(s->ctx, &cfg);
}

static int build_zn(struct shard *s)
{
	struct zn_flow_cfg cfg = { .store = s->env->store,
				   .deadlines = s->deadlines,
				   .in_flight_max = bsf_limit(LIM_IN_FLIGHT),
				   .timeout_ms = ZN_TIMEOUT_MS };
	struct dia_hub_service service = zn_serve(&s->zn);

	s->zn = (struct zn_serve){ zn_flow_new(s->ctx, &cfg) };
	if (!s->zn.flow)
		return -ENOMEM;
	return node_attach(s->env->node, s->no, s->ctx, &service, s->err);
}

static void serve_peers(void *data)
{
	struct shard *s = data;

	node_turn(s->env->node, s->no);
}

static bool http_due(void *data)
{
	return ub_http_due(data);
}

static int build(struct shard *s)
{
	struct ub_flow_env env = { .overload = s->env->overload, .answered = ub_http_answered };
	struct ub_flow *flow;

	s->ctx = talloc_named_const(NULL, 0, "shard");
	s->deadlines = s->ctx ? deadline_set_new(s->ctx) : NULL;
	if (!s->deadlines || inbox_attach(s->inbox) < 0)
		return -ENOMEM;
	s->txns = txn_table_new(s->ctx, s->no, s->deadlines);
	s->store = store_new(s->ctx, s->env->store, txn_store_done, s->txns);
	s->zh = build_zh(s);
	if (!s->txns || !s->store || !s->zh)
		return -ENOMEM;
	s->http = ub_http_new(s->ctx, s->deadlines, s->err);
	if (!s->http)
		return -EIO;
	env.self = (struct ub_self){ (const char(*)[BSF_NAME_MAX + 1]) bsf_cfg->names, bsf_cfg->n_names,
				     bsf_cfg->ub_path };
	env.store = s->store;
	env.zh = s->zh;
	env.txns = s->txns;
	env.history = s->env->history;
	env.limits = &bsf_cfg->limits;
	env.owner = s->http;
	flow = ub_flow_new(s->ctx, &env);
	if (!flow)
		return -ENOMEM;
	ub_http_set_flow(s->http, flow, serve_peers, s);
	s->beside = (struct dia_beside){ { ub_http_fd(s->http), inbox_fd(s->inbox) }, http_due, s->http };
	dia_loop_beside(node_loop(s->env->node, s->no), &s->beside);
	return build_zn(s);
}

/* Each as far as it was built. */
static void demolish(struct shard *s)
{
	if (s->http)
		ub_http_stop(s->http);
	node_detach(s->env->node, s->no);
	if (!s->env->gsup)
		zh_flow_stop(s->zh);
	else if (s->no == 0)
		gsup_link_detach(s->env->gsup);
	talloc_free(s->zn.flow);
	talloc_free(s->store);
	inbox_close(s->inbox);
	talloc_free(s->ctx);
	talloc_free(osmo_ctx); /* of this thread, the library keeps it for ever */
	osmo_ctx = NULL;
}

/* HTTP first: what it asks an HSS leaves in one go. \returns true: do not wait */
static bool shard_turn(struct shard *s)
{
	policy_reader_passed(s->no);
	ub_http_turn(s->http);
	if (node_due(s->env->node, s->no))
		node_turn(s->env->node, s->no);
	return ub_http_due(s->http) || node_due(s->env->node, s->no);
}

static void *shard_main(void *data)
{
	struct shard *s = data;
	char name[16];

	snprintf(name, sizeof(name), "shard%u", s->no);
	pthread_setname_np(pthread_self(), name);
	osmo_ctx_init(name);
	osmo_select_init();
	s->rc = build(s);
	if (s->rc == -ENOMEM)
		err_set(s->err, s->rc, "no memory or descriptors for a shard");
	if (s->rc < 0)
		s->end = true;
	sem_post(&s->up);
	while (!s->end || !(s->rc < 0 || store_idle(s->store)))
		osmo_select_main_ctx(shard_turn(s));
	demolish(s);
	return NULL;
}

struct shard *shard_start(unsigned no, const struct shard_env *env, struct err *err)
{
	struct shard *s = calloc(1, sizeof(*s));

	if (s)
		s->inbox = inbox_new(INBOX_BOUND, s);
	if (!s || !s->inbox) {
		free(s);
		err_set(err, -ENOMEM, "no memory or descriptors for a shard");
		return NULL;
	}
	s->no = no;
	s->env = env;
	s->err = err;
	sem_init(&s->up, 0, 0);
	if (pthread_create(&s->thread, NULL, shard_main, s)) {
		err_set(err, -EAGAIN, "no thread for a shard");
		goto fail;
	}
	while (sem_wait(&s->up) < 0)
		;
	s->err = NULL;
	if (s->rc == 0)
		return s;
	pthread_join(s->thread, NULL);
fail:
	inbox_free(s->inbox);
	sem_destroy(&s->up);
	free(s);
	return NULL;
}

/* Words from the main thread; each comes once in a shard's life, so they live on the heap for that long only. */
static void post(struct shard *s, void (*run)(void *owner, struct inbox_item *item, bool stopping))
{
	struct inbox_item *it = calloc(1, sizeof(*it));

	if (!it)
		abort(); /* out of memory for 16 octets while stopping: nothing is lost by ending hard */
	it->run = run;
	if (inbox_post_always(s->inbox, it) < 0)
		free(it);
}

static void run_quiesce(void *owner, struct inbox_item *item, bool stopping)
{
	struct shard *s = owner;

	free(item);
	if (stopping)
		return;
	ub_http_quiesce(s->http);
	txn_stop_all(s->txns);
}

void shard_quiesce(struct shard *s)
{
	post(s, run_quiesce);
}

static void run_end(void *owner, struct inbox_item *item, bool stopping)
{
	struct shard *s = owner;

	free(item);
	if (stopping)
		return;
	txn_stop_all(s->txns);
	store_stop(s->store);
	s->end = true;
}

void shard_end(struct shard *s)
{
	post(s, run_end);
	pthread_join(s->thread, NULL);
	inbox_free(s->inbox);
	sem_destroy(&s->up);
	free(s);
}

/* A revocation, a GUSS for those that live, or a session that is looked for, on its way; the shard and the VTY each hold it, the last one frees. */
struct revocation {
	struct inbox_item item; /* first */
	struct txn txn;
	atomic_int holders;
	sem_t done;
	atomic_int rc; /* ThreadSanitizer does not know that sem_clockwait() orders */
	struct impi impi;
	enum store_op op;
	char naf[BTID_MAX + 1];
	struct btid btid;
	struct gba_session found; /* USE: whose uses */
	struct store_spread spread;
	struct guss_blob *guss; /* owned, or NULL */
	uint64_t keep_ms, wait_ms;
	atomic_uint as_new, uses;
};

static void revocation_drop(struct revocation *r)
{
	if (atomic_fetch_sub(&r->holders, 1) > 1)
		return;
	sem_destroy(&r->done);
	guss_blob_put(r->guss);
	gba_session_clear(&r->found);
	free(r);
}

static void revocation_end(struct revocation *r, int rc)
{
	txn_end(&r->txn);
	r->rc = rc;
	sem_post(&r->done);
	revocation_drop(r);
}

static struct revocation *revocation_of(struct txn *t)
{
	return container_of(t, struct revocation, txn);
}

static void revocation_done(struct revocation *r, const struct store_answer *a)
{
	r->as_new = a->as_new;
	r->uses = a->uses;
	if (a->spread)
		r->spread = *a->spread;
	if (a->session && r->op == STORE_GET)
		gba_session_copy(&r->found, a->session);
	revocation_end(r, a->rc < 0 ? a->rc : (int)a->revoked);
}

static void revocation_event(struct txn *t, const struct txn_event *e)
{
	if (e->kind == TXN_STORE)
		revocation_done(revocation_of(t), e->store);
	else
		revocation_end(revocation_of(t), -ETIMEDOUT);
}

static const struct store_answer *revocation_ask(struct store *st, const struct revocation *r)
{
	switch (r->op) {
	case STORE_GUSS:
		return store_guss(st, r->impi.s, r->guss, r->keep_ms, r->txn.id);
	case STORE_REVOKE_IMPI:
		return store_revoke_impi(st, r->impi.s, r->txn.id);
	case STORE_REVOKE_BTID:
		return store_revoke_btid(st, &r->btid, r->txn.id);
	case STORE_REVOKE_NAF:
		return store_revoke_naf(st, r->naf, r->txn.id);
	case STORE_REVOKE_ALL:
		return store_revoke_all(st, r->txn.id);
	case STORE_USE:
		return store_use_look(st, &r->found, r->naf, r->txn.id);
	default:
		return store_get(st, &r->btid, r->txn.id);
	}
}

static void revocation_run(void *owner, struct inbox_item *item, bool stopping)
{
	struct revocation *r = (struct revocation *)item;
	const struct store_answer *a;
	struct shard *s = owner;

	if (stopping)
		return revocation_end(r, -ESHUTDOWN);
	txn_start(s->txns, &r->txn, revocation_event, r->wait_ms);
	a = revocation_ask(s->store, r);
	if (a)
		revocation_done(r, a);
}

/* The thread that waits is the one that writes the log, and a disk may take its time. */
static int revocation_wait(struct revocation *r)
{
	uint64_t end = clock_mono_ms() + r->wait_ms;
	struct timespec until;

	do {
		until = clock_mono_after(REVOKE_STEP_MS);
		if (sem_clockwait(&r->done, CLOCK_MONOTONIC, &until) == 0)
			return r->rc;
		log_relay_run();
	} while (clock_mono_ms() < end);
	return -ETIMEDOUT;
}

/* \param[in] r taken */
static int revocation_give(struct shard *s, struct revocation *r, unsigned *n, struct gba_session *found,
			   struct store_spread *spread)
{
	int rc;

	r->item.run = revocation_run;
	r->wait_ms = REVOKE_MS + store_graces_ms(s->store);
	atomic_init(&r->holders, 2);
	sem_init(&r->done, 0, 0);
	if (inbox_post(s->inbox, &r->item) < 0) {
		atomic_store(&r->holders, 1);
		revocation_drop(r);
		return -EBUSY;
	}
	rc = revocation_wait(r);
	if (n)
		*n = r->op == STORE_USE ? r->uses : r->as_new;
	if (spread && rc >= 0)
		*spread = r->spread;
	if (found && rc == 0)
		gba_session_copy(found, &r->found);
	revocation_drop(r);
	return rc;
}

int shard_revoke(struct shard *s, const struct shard_whom *whom, struct store_spread *spread)
{
	struct revocation *r = calloc(1, sizeof(*r));

	*spread = (struct store_spread){ 0 };
	if (!r)
		return -ENOMEM;
	r->op = whom->op;
	if (whom->op == STORE_REVOKE_IMPI)
		snprintf(r->impi.s, sizeof(r->impi.s), "%s", whom->impi);
	if (whom->op == STORE_REVOKE_NAF)
		snprintf(r->naf, sizeof(r->naf), "%s", whom->naf);
	if (whom->op == STORE_REVOKE_BTID)
		r->btid = *whom->btid;
	return revocation_give(s, r, NULL, NULL, spread);
}

int shard_guss(struct shard *s, const char *impi, struct guss_blob *guss, uint64_t keep_ms, unsigned *as_new)
{
	struct revocation *r = calloc(1, sizeof(*r));

	if (!r) {
		guss_blob_put(guss);
		return -ENOMEM;
	}
	snprintf(r->impi.s, sizeof(r->impi.s), "%s", impi);
	r->op = STORE_GUSS;
	r->guss = guss;
	r->keep_ms = keep_ms;
	return revocation_give(s, r, as_new, NULL, NULL);
}

int shard_session(struct shard *s, const struct btid *btid, struct gba_session *out)
{
	struct revocation *r = calloc(1, sizeof(*r));

	*out = (struct gba_session){ 0 };
	if (!r)
		return -ENOMEM;
	r->op = STORE_GET;
	r->btid = *btid;
	return revocation_give(s, r, NULL, out, NULL);
}

int shard_uses(struct shard *s, const struct gba_session *session, const char *naf, uint32_t *uses)
{
	struct revocation *r = calloc(1, sizeof(*r));

	*uses = 0;
	if (!r)
		return -ENOMEM;
	r->op = STORE_USE;
	gba_session_copy(&r->found, session);
	snprintf(r->naf, sizeof(r->naf), "%s", naf);
	return revocation_give(s, r, uses, NULL, NULL);
}
