/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_node.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/owner_of.h"
#include "common/dia/dia_ids.h"
#include "common/dia/dia_peer.h"
#include "common/dia/zn_wire.h"
#include "dict/gba_ids.h"
#include "gba/naf.h"
#include "naf-lib/naf_fork.h"

#define BUDGET 64 /* messages of a turn */

struct naf_node {
	struct naf_node_cfg cfg;
	uint64_t process;
	struct dia_loop *loop;
	struct dia_hub *hub;
	struct naf_tls_use tls;
	const char *realms[1];
	pthread_t thread;
	struct dia_post stop;
	bool over;               /* the thread's */
	struct dia_timer settle; /* its first connection is there, or will not be in time */
	struct naf_word *early;  /* wait for that */
	atomic_bool young, connected;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool refused; /* under the lock: by words of the peer or of TLS, so waiting is useless */
};

/* What the hub tells. */

static const struct {
	int level;
	const char *what;
} events[] = {
	[DIA_HUB_OPEN] = { GBA_NAF_LOG_NOTICE, "BSF connected" },
	[DIA_HUB_LOST] = { GBA_NAF_LOG_NOTICE, "BSF connection lost" },
	[DIA_HUB_UNKNOWN] = { GBA_NAF_LOG_NOTICE, "Diameter peer refused" },
	[DIA_HUB_ADDRESS] = { GBA_NAF_LOG_NOTICE, "Diameter peer from a wrong address" },
	[DIA_HUB_ROLE] = { GBA_NAF_LOG_NOTICE, "Diameter peer refused" },
	[DIA_HUB_IN_USE] = { GBA_NAF_LOG_NOTICE, "Diameter peer refused" },
	[DIA_HUB_REFUSED] = { GBA_NAF_LOG_NOTICE, "BSF refuses us" },
	[DIA_HUB_TLS] = { GBA_NAF_LOG_NOTICE, "no TLS with" },
	[DIA_HUB_EXPIRES] = { GBA_NAF_LOG_NOTICE, "BSF" },
	[DIA_HUB_CERTIFICATE] = { GBA_NAF_LOG_NOTICE, "wrong certificate of" },
	[DIA_HUB_KEY] = { GBA_NAF_LOG_NOTICE, "wrong key of" },
	[DIA_HUB_PROTOCOL] = { GBA_NAF_LOG_NOTICE, "Diameter message refused" },
	[DIA_HUB_REALM] = { GBA_NAF_LOG_NOTICE, "Diameter realm not ours" },
	[DIA_HUB_STRAY] = { GBA_NAF_LOG_INFO, "late answer dropped" },
};

static void node_log(const struct naf_node *n, int level, const char *what, const char *peer, const char *detail)
{
	char text[600];

	if (!n->cfg.log)
		return;
	snprintf(text, sizeof(text), "%s %.255s%s%.255s", what, peer, *detail ? ": " : "", detail);
	for (char *c = text; *c; c++) /* some of it is the peer's */
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	n->cfg.log(n->cfg.log_owner, level, text);
}

static void wake(struct naf_node *n, bool refused)
{
	pthread_mutex_lock(&n->lock);
	n->refused = refused;
	pthread_cond_broadcast(&n->changed);
	pthread_mutex_unlock(&n->lock);
}

static void node_on_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	struct naf_node *n = owner;

	if (ev == DIA_HUB_OPEN || ev == DIA_HUB_LOST)
		atomic_store(&n->connected, ev == DIA_HUB_OPEN);
	if (ev == DIA_HUB_OPEN && n->young)
		dia_loop_timer(n->loop, &n->settle, 0);
	if ((size_t)ev < sizeof(events) / sizeof(events[0]) && events[ev].what)
		node_log(n, events[ev].level, events[ev].what, peer, detail);
	if (ev == DIA_HUB_OPEN || ev == DIA_HUB_REFUSED || ev == DIA_HUB_TLS || ev == DIA_HUB_CERTIFICATE)
		wake(n, ev != DIA_HUB_OPEN);
}

/* Questions, on the thread. */

static void bir_done(void *owner, uint64_t txn, int rc, struct zn_bia *bia, const char *why)
{
	struct naf_word *w = owner;

	if (why)
		node_log(w->node, GBA_NAF_LOG_NOTICE, "answer not understood, of", w->node->cfg.peer, why);
	w->end(w, rc, bia, why);
}

static void node_put(struct naf_node *n, struct naf_word *w)
{
	int rc = naf_bir_ask(n->hub, n->loop, &w->bir, w->patience_ms, bir_done, w, 0);

	if (rc == -ENOTCONN && n->young && !n->over) {
		w->next = n->early;
		n->early = w;
	} else if (rc < 0) {
		w->end(w, rc, NULL, NULL);
	}
}

static void put_early(struct naf_node *n)
{
	struct naf_word *w, *next;

	atomic_store(&n->young, false);
	w = n->early;
	n->early = NULL;
	for (; w; w = next) {
		next = w->next;
		node_put(n, w);
	}
}

static void on_settled(struct dia_timer *t)
{
	put_early(owner_of(t, struct naf_node, settle));
}

static void word_run(struct dia_post *p, bool stopping)
{
	struct naf_word *w = (struct naf_word *)p;

	if (stopping)
		w->end(w, -ENOTCONN, NULL, NULL);
	else
		node_put(w->node, w);
}

int naf_node_ask(struct naf_node *n, struct naf_word *w)
{
	if (!n->connected && !n->young)
		return -ENOTCONN;
	w->node = n;
	w->post.run = word_run;
	w->bir.peer = n->cfg.peer;
	dia_loop_post(n->loop, &w->post);
	return 0;
}

/* Another certificate. */

struct new_tls {
	struct dia_post post; /* first */
	struct naf_node *node;
	SSL_CTX *ctx;
};

static void warn_of_end(const struct naf_node *n)
{
	time_t left = n->tls.ctx ? dia_cert_own_expires(n->tls.ctx) - time(NULL) : DIA_CERT_SOON_S + 1;
	char text[80];

	if (left > DIA_CERT_SOON_S)
		return;
	dia_cert_left(text, sizeof(text), left);
	node_log(n, GBA_NAF_LOG_NOTICE, "our", text, "");
}

/*! Questions wait as they do at the birth. */
static void begin_with(struct naf_node *n, SSL_CTX *ctx)
{
	dia_hub_tls(n->hub, ctx);
	SSL_CTX_free(n->tls.ctx);
	n->tls.ctx = ctx;
	warn_of_end(n);
	atomic_store(&n->young, true);
	dia_loop_timer(n->loop, &n->settle, DIA_DRAIN_MS + n->cfg.connect_ms);
	dia_hub_reconnect(n->hub, n->cfg.peer);
}

static void tls_run(struct dia_post *p, bool stopping)
{
	struct new_tls *t = (struct new_tls *)p;

	if (stopping || t->node->over)
		SSL_CTX_free(t->ctx);
	else
		begin_with(t->node, t->ctx);
	free(t);
}

int naf_node_tls(struct naf_node *n, const struct naf_tls *tls, struct err *err)
{
	struct new_tls *t = calloc(1, sizeof(*t));

	if (!t)
		return err_set(err, -ENOMEM, "no memory");
	*t = (struct new_tls){ .post.run = tls_run, .node = n, .ctx = naf_tls_other(&n->tls, tls, err) };
	if (!t->ctx) {
		free(t);
		return -EINVAL;
	}
	dia_loop_post(n->loop, &t->post);
	return 0;
}

/* Life. */

static void node_on_stopped(void *owner)
{
	((struct naf_node *)owner)->over = true;
}

static void stop_run(struct dia_post *p, bool stopping)
{
	struct naf_node *n = owner_of(p, struct naf_node, stop);

	dia_loop_timer_stop(n->loop, &n->settle);
	dia_hub_stop(n->hub, node_on_stopped, n);
	put_early(n);
}

/*! It ends in a child that an application has made in its log function. */
static void *node_thread(void *arg)
{
	struct naf_node *n = arg;

	while (!n->over && n->process == naf_fork_process()) {
		if (!dia_loop_turn(n->loop, BUDGET) && !n->over)
			dia_loop_wait(n->loop, -1);
	}
	return NULL;
}

/*! Every signal is the application's. */
static int start_thread(struct naf_node *n)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&n->thread, NULL, node_thread, n);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		pthread_setname_np(n->thread, "gba-naf");
	return rc ? -EAGAIN : 0;
}

static void node_clear(struct naf_node *n)
{
	if (n->loop)
		dia_loop_timer_stop(n->loop, &n->settle);
	dia_hub_free(n->hub);
	dia_loop_free(n->loop);
	naf_tls_end(&n->tls);
	pthread_mutex_destroy(&n->lock);
	pthread_cond_destroy(&n->changed);
	free(n);
}

static void node_security(void *owner, const char *identity, const struct sockaddr *at, struct dia_hub_security *out)
{
	naf_tls_security(((struct naf_node *)owner)->cfg.tls, out);
}

static struct dia_hub *make_hub(struct naf_node *n)
{
	static const uint32_t apps[] = { GBA_APP_ZN };
	const struct dia_hub_cfg cfg = {
		.self = { n->cfg.identity, n->cfg.realm },
		.realms = n->realms,
		.n_realms = 1,
		.client_apps = apps,
		.n_client_apps = 1,
		.tls = n->tls.ctx,
		.cb = { .event = node_on_event, .security = node_security, .owner = n },
	};

	return dia_hub_new(n->loop, &cfg);
}

/*! A child does not go on with the End-to-End ids of its parent. */
static int own_ids(uint64_t process)
{
	static _Atomic uint64_t ids_of;

	return atomic_exchange(&ids_of, process) == process ? dia_ids_init() : dia_ids_renew();
}

static void init_changed(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

static int node_begin(struct naf_node *n)
{
	warn_of_end(n);
	dia_loop_tell_fds(n->loop, naf_fork_fd_add, naf_fork_fd_del);
	n->hub = make_hub(n);
	dia_loop_timer(n->loop, &n->settle, n->cfg.connect_ms);
	return n->hub && dia_hub_dial(n->hub, n->cfg.peer, &n->cfg.addr, false) == 0 ? start_thread(n) : -ENOMEM;
}

struct naf_node *naf_node_new(const struct naf_node_cfg *cfg)
{
	struct naf_node *n = calloc(1, sizeof(*n));
	struct err err = { "" };

	if (!n)
		return NULL;
	n->cfg = *cfg;
	n->realms[0] = cfg->realm;
	n->process = naf_fork_process();
	n->young = true;
	n->stop.run = stop_run;
	n->settle.on_time = on_settled;
	pthread_mutex_init(&n->lock, NULL);
	init_changed(&n->changed);
	n->loop = own_ids(n->process) < 0 ? NULL : dia_loop_new();
	if (n->loop && naf_tls_begin(&n->tls, cfg->tls, &err) == 0 && node_begin(n) == 0)
		return n;
	node_log(n, GBA_NAF_LOG_ERROR, "no connection to", cfg->peer,
		 *err.text ? err.text : "no memory, descriptor or thread");
	node_clear(n);
	return NULL;
}

void naf_node_free(struct naf_node *n)
{
	if (!n)
		return;
	dia_loop_post(n->loop, &n->stop);
	pthread_join(n->thread, NULL);
	node_clear(n);
}

uint64_t naf_node_process(const struct naf_node *n)
{
	return n->process;
}

bool naf_node_connected(const struct naf_node *n)
{
	return n->connected;
}

void naf_node_wait(struct naf_node *n, unsigned ms)
{
	struct timespec until = clock_mono_after(ms);
	int rc = 0;

	pthread_mutex_lock(&n->lock);
	while (!n->connected && !n->refused && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&n->changed, &n->lock, &until);
	pthread_mutex_unlock(&n->lock);
}
