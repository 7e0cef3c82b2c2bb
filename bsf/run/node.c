/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/node.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include "bsf/run/cfg.h"
#include "common/base/clock.h"
#include "common/dia/dia_frame.h"
#include "common/rt/dia_select.h"
#include "common/rt/log_cat.h"

#define FIGURES_MS 1000
#define SETTLED_MS 1000

static const uint32_t zh_app = GBA_APP_ZH;

struct node {
	struct dia_loop *loop;
	struct dia_hub *hub; /* of the loop's thread */
	struct zh_via via[BSF_HSS_MAX];
	const char *realms[BSF_NAMES_MAX + 1];
	size_t n_realms;
	struct dia_hub_service service;
	sem_t hss_open, over;
	struct dia_post stop;
	struct dia_timer settled; /* after a change of peers */
};

/* Peers: what the policy says, and the operator; a word to the loop. */
enum peer_word { PEERS_APPLY, PEER_DISCONNECT, PEER_RECONNECT };

struct peer_post {
	struct dia_post post; /* first */
	struct node *node;
	enum peer_word word;
	char identity[BSF_ID_MAX + 1];
};

/* \returns 0; -ENOMEM */
static int dial_all(struct dia_hub *h, const struct policy *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->n_peers && rc != -ENOMEM; i++)
		if (p->peers[i].dial)
			rc = dia_hub_dial(h, p->peers[i].identity, &p->peers[i].connect, p->peers[i].may_connect);
	return rc == -ENOMEM ? rc : 0;
}

/* Of one that is known to the hub: what is not configured any more? */
static void undial_one(void *hub, const struct dia_hub_peer_figures *f)
{
	const struct policy_peer *p = policy_peer(policy_current(), f->identity);

	if (f->dialled && (!p || !p->dial))
		dia_hub_undial(hub, f->identity);
	if (f->held_off && !p)
		(void)dia_hub_reconnect(hub, f->identity); /* if it is ever written again it is as new */
}

/* Who is not configured any more, or not from there, goes. A line that is replaced by two commands is no reason: that is
 * looked at when nothing was changed for a moment. Their requests are refused at once. */
static void on_peers_settled(struct dia_timer *t)
{
	struct dia_hub *h = ((struct node *)((char *)t - offsetof(struct node, settled)))->hub;

	dia_hub_figures(h, undial_one, h);
	dia_hub_recheck(h);
}

static void peers_apply(struct node *n)
{
	if (dial_all(n->hub, policy_current()) < 0 || dia_loop_timer(n->loop, &n->settled, SETTLED_MS) < 0)
		LOGT(DRT, LOGL_ERROR, "no memory to change all peers; the next change tries again\n");
}

static void run_peers(struct dia_post *post, bool stopping)
{
	struct peer_post *p = (struct peer_post *)post;
	struct dia_hub *h = stopping ? NULL : p->node->hub;

	if (h && p->word == PEERS_APPLY)
		peers_apply(p->node);
	else if (h && p->word == PEER_DISCONNECT)
		(void)dia_hub_disconnect(h, p->identity);
	else if (h)
		(void)dia_hub_reconnect(h, p->identity);
	free(p);
}

static int peers_post(struct node *n, enum peer_word word, const char *identity)
{
	struct peer_post *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->post.run = run_peers;
	p->node = n;
	p->word = word;
	snprintf(p->identity, sizeof(p->identity), "%s", identity);
	dia_loop_post(n->loop, &p->post);
	return 0;
}

static void node_on_publish(void *n)
{
	if (peers_post(n, PEERS_APPLY, "") < 0)
		LOGT(DRT, LOGL_ERROR, "no memory to change peers; the next change tries again\n");
}

int node_disconnect(struct node *n, const char *identity)
{
	return peers_post(n, PEER_DISCONNECT, identity);
}

int node_reconnect(struct node *n, const char *identity)
{
	return peers_post(n, PEER_RECONNECT, identity);
}

struct node *node_new(struct err *err)
{
	struct node *n = calloc(1, sizeof(*n));

	if (n)
		n->loop = dia_loop_new();
	if (!n || !n->loop) {
		free(n);
		err_set(err, -ENOMEM, "diameter: no memory or descriptors");
		return NULL;
	}
	sem_init(&n->hss_open, 0, 0);
	sem_init(&n->over, 0, 0);
	n->realms[n->n_realms++] = bsf_cfg->realm;
	for (size_t i = 0; i < bsf_cfg->n_names; i++)
		n->realms[n->n_realms++] = bsf_cfg->names[i];
	for (size_t i = 0; i < bsf_cfg->n_hss; i++)
		n->via[i].loop = n->loop;
	n->settled.on_time = on_peers_settled;
	naf_cfg_on_publish(node_on_publish, n);
	return n;
}

void node_free(struct node *n)
{
	if (!n)
		return;
	naf_cfg_on_publish(NULL, NULL);
	dia_loop_free(n->loop);
	sem_destroy(&n->hss_open);
	sem_destroy(&n->over);
	free(n);
}

struct dia_loop *node_loop(const struct node *n, unsigned no)
{
	return no == 0 ? n->loop : NULL;
}

const struct zh_via *node_via(const struct node *n)
{
	return n->via;
}

/* What the hub tells. */

static void node_on_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	if (ev == DIA_HUB_STRAY) /* Zh is the one point where we ask */
		dia_select_refused(DZH, CAUSE_zh_duplicate, peer, "an answer to nothing that waits");
	else
		dia_select_event(owner, ev, peer, detail);
}

static void node_on_ready(void *owner, const char *peer, bool ready)
{
	struct node *n = owner;

	for (size_t i = 0; i < bsf_cfg->n_hss; i++) {
		if (strcasecmp(bsf_hss_via(&bsf_cfg->hss[i]), peer) != 0)
			continue;
		atomic_store(&bsf_cfg->hss[i].open, ready);
		if (ready)
			sem_post(&n->hss_open);
	}
}

static int node_admit(void *owner, const char *identity, const struct sockaddr *from)
{
	return policy_admit(policy_current(), identity, from);
}

static void node_limits(void *owner, const char *identity, struct dia_hub_limits *out)
{
	const struct policy_peer *p = policy_peer(policy_current(), identity);

	if (!p)
		return;
	out->connections = p->connections;
	out->msg_max = p->asked ? DIA_FRAME_HSS : DIA_FRAME_NAF;
}

bool node_wait_hss(struct node *n, unsigned ms)
{
	struct timespec until = clock_mono_after(ms);

	while (sem_clockwait(&n->hss_open, CLOCK_MONOTONIC, &until) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

/* Figures: a word to the loop and back. Who waits may give up, so the last of the two frees. */
struct ask_figures {
	struct dia_post post; /* first */
	struct node *node;
	struct dia_hub_peer_figures *all;
	size_t n, room;
	int failed;
	atomic_int rc; /* written last: ThreadSanitizer does not know that sem_clockwait() orders */
	atomic_int holders;
	sem_t done;
};

static void figures_drop(struct ask_figures *a)
{
	if (atomic_fetch_sub(&a->holders, 1) > 1)
		return;
	sem_destroy(&a->done);
	free(a->all);
	free(a);
}

static void figures_add(void *owner, const struct dia_hub_peer_figures *f)
{
	struct ask_figures *a = owner;

	if (a->n == a->room) {
		size_t room = a->room ? 2 * a->room : 64;
		struct dia_hub_peer_figures *more = realloc(a->all, room * sizeof(*more));

		if (!more) {
			a->failed = -ENOMEM;
			return;
		}
		a->all = more;
		a->room = room;
	}
	a->all[a->n++] = *f;
}

static void node_run_figures(struct dia_post *p, bool stopping)
{
	struct ask_figures *a = (struct ask_figures *)p;

	if (!stopping && a->node->hub)
		dia_hub_figures(a->node->hub, figures_add, a);
	atomic_store(&a->rc, a->failed);
	sem_post(&a->done);
	figures_drop(a);
}

int node_figures(struct node *n, struct dia_hub_peer_figures **out)
{
	struct timespec until = clock_mono_after(FIGURES_MS);
	struct ask_figures *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return -ENOMEM;
	a->post.run = node_run_figures;
	a->node = n;
	atomic_init(&a->holders, 2);
	sem_init(&a->done, 0, 0);
	dia_loop_post(n->loop, &a->post);
	while ((rc = sem_clockwait(&a->done, CLOCK_MONOTONIC, &until)) < 0 && errno == EINTR)
		;
	rc = rc < 0 ? -ETIMEDOUT : atomic_load(&a->rc);
	if (rc == 0) {
		*out = a->all;
		a->all = NULL;
		rc = (int)a->n;
	}
	figures_drop(a);
	return rc;
}

/* Start and end. */

static struct dia_hub *make_hub(struct node *n)
{
	struct dia_hub_cfg cfg = {
		.self = { bsf_cfg->identity, bsf_cfg->realm },
		.realms = n->realms,
		.n_realms = n->n_realms,
		.services = &n->service,
		.n_services = 1,
		.client_apps = &zh_app,
		.n_client_apps = 1,
		.n_listen = bsf_cfg->n_dia,
		.state_id = (uint32_t)time(NULL),
		.tc_ms = bsf_limit(LIM_TC) * 1000,
		.tw_ms = bsf_limit(LIM_TW) * 1000,
		.cb = { .event = node_on_event,
			.ready = node_on_ready,
			.admit = node_admit,
			.limits = node_limits,
			.owner = n },
	};

	for (size_t i = 0; i < bsf_cfg->n_dia; i++)
		cfg.listen[i] = bsf_cfg->dia[i].addr;
	return dia_hub_new(n->loop, &cfg);
}

static void publish_hub(struct node *n, struct dia_hub *h)
{
	n->hub = h;
	for (size_t i = 0; i < bsf_cfg->n_hss; i++)
		n->via[i].hub = h;
}

int node_attach(struct node *n, unsigned no, void *ctx, const struct dia_hub_service *zn, struct err *err)
{
	int rc;

	if (no > 0)
		return 0;
	n->service = *zn;
	publish_hub(n, make_hub(n));
	if (!n->hub || !dia_select_new(ctx, n->loop) || dial_all(n->hub, policy_current()) < 0)
		rc = err_set(err, -ENOMEM, "diameter: no memory");
	else
		rc = dia_hub_listen(n->hub, err);
	if (rc < 0)
		node_detach(n, no);
	return rc;
}

static void node_cut(struct node *n)
{
	struct dia_hub *h = n->hub;

	publish_hub(n, NULL);
	dia_loop_timer_stop(n->loop, &n->settled);
	dia_hub_free(h);
}

void node_detach(struct node *n, unsigned no)
{
	if (no == 0)
		node_cut(n);
}

static void on_over(void *owner)
{
	struct node *n = owner;

	node_cut(n);
	sem_post(&n->over);
}

static void node_run_stop(struct dia_post *p, bool stopping)
{
	struct node *n = (struct node *)((char *)p - offsetof(struct node, stop));

	if (n->hub && !stopping)
		dia_hub_stop(n->hub, on_over, n);
	else
		sem_post(&n->over);
}

void node_stop(struct node *n)
{
	n->stop.run = node_run_stop;
	dia_loop_post(n->loop, &n->stop);
	while (sem_wait(&n->over) < 0)
		;
}
