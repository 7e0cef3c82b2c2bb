/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/node.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <openssl/ssl.h>
#include "bsf/run/cfg.h"
#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/owner_of.h"
#include "common/dia/dia_buffer.h"
#include "common/dia/dia_frame.h"
#include "common/rt/dia_select.h"
#include "common/rt/log_cat.h"

#define FIGURES_MS 1000
#define SETTLED_MS 1000

static const uint32_t zh_app = GBA_APP_ZH;

/* What runs on the loop of one shard. Each peer is of one part, by its name, for the life of the process. */
struct part {
	struct node *node;
	struct dia_loop *loop;
	struct dia_select *select;
	struct dia_hub *hub; /* of the loop's thread */
	struct zh_via via;   /* the same for who asks */
	struct dia_hub_service service;
	struct dia_post begin, stop;
	struct err *err; /* of node_begin() */
	int rc;
	sem_t begun, over;
	struct dia_timer settled; /* after a change of peers */
};

struct node {
	unsigned n_parts;
	struct part parts[BSF_SHARDS_MAX];
	SSL_CTX *tls;
	const char *realms[BSF_NAMES_MAX + 1];
	size_t n_realms;
	uint32_t state_id;
	struct dia_door *door;
	sem_t hss_open;
};

static unsigned part_of(const struct node *n, const char *identity)
{
	return (ascii_hash(identity) >> 8) % n->n_parts;
}

static bool is_of(const struct part *p, const char *identity)
{
	return &p->node->parts[part_of(p->node, identity)] == p;
}

/* Peers: what the policy says, and the operator; a word to the loop. */
enum peer_word { PEERS_APPLY, PEER_DISCONNECT, PEER_RECONNECT, PEERS_RECONNECT, NEW_TLS };

struct peer_post {
	struct dia_post post; /* first */
	struct part *part;
	enum peer_word word;
	SSL_CTX *tls; /* a reference */
	char identity[BSF_ID_MAX + 1];
};

/* \returns 0; -ENOMEM */
static int dial_all(struct part *part, const struct policy *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->n_peers && rc != -ENOMEM; i++)
		if (p->peers[i].dial && is_of(part, p->peers[i].identity))
			rc = dia_hub_dial(part->hub, p->peers[i].identity, &p->peers[i].connect,
					  p->peers[i].may_connect);
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
	struct dia_hub *h = owner_of(t, struct part, settled)->hub;

	dia_hub_figures(h, undial_one, h);
	dia_hub_recheck(h);
}

/* What is via a peer that was there already. */
static void hss_apply(struct part *part, const struct policy *p)
{
	for (size_t i = 0; i < p->n_hss; i++)
		if (is_of(part, p->hss[i]->via))
			hss_state_ready(p->hss[i]->state, dia_hub_is_open(part->hub, p->hss[i]->via));
}

static void peers_apply(struct part *p)
{
	hss_apply(p, policy_current());
	dia_loop_timer(p->loop, &p->settled, SETTLED_MS);
	if (dial_all(p, policy_current()) < 0)
		LOGT(DRT, LOGL_ERROR, "no memory to change all peers; the next change tries again\n");
}

static void run_peers(struct dia_post *post, bool stopping)
{
	struct peer_post *p = (struct peer_post *)post;
	struct dia_hub *h = stopping ? NULL : p->part->hub;

	if (h && p->word == PEERS_APPLY)
		peers_apply(p->part);
	else if (h && p->word == PEER_DISCONNECT)
		(void)dia_hub_disconnect(h, p->identity);
	else if (h && p->word == PEER_RECONNECT)
		(void)dia_hub_reconnect(h, p->identity);
	else if (h && p->word == PEERS_RECONNECT)
		dia_hub_reconnect_all(h);
	else if (h)
		dia_hub_tls(h, p->tls);
	SSL_CTX_free(p->tls);
	free(p);
}

static int post_word(struct part *part, enum peer_word word, const char *identity, SSL_CTX *tls)
{
	struct peer_post *p = calloc(1, sizeof(*p));

	if (!p || (tls && !SSL_CTX_up_ref(tls))) {
		free(p);
		return -ENOMEM;
	}
	p->post.run = run_peers;
	p->part = part;
	p->word = word;
	p->tls = tls;
	snprintf(p->identity, sizeof(p->identity), "%s", identity);
	dia_loop_post(part->loop, &p->post);
	return 0;
}

static int peers_post(struct part *part, enum peer_word word, const char *identity)
{
	return post_word(part, word, identity, NULL);
}

static int post_all(struct node *n, enum peer_word word, SSL_CTX *tls)
{
	int rc = 0;

	for (unsigned i = 0; i < n->n_parts; i++)
		rc = post_word(&n->parts[i], word, "", tls) < 0 ? -ENOMEM : rc;
	return rc;
}

static void node_on_publish(void *owner)
{
	if (post_all(owner, PEERS_APPLY, NULL) < 0)
		LOGT(DRT, LOGL_ERROR, "no memory to change peers; the next change tries again\n");
}

int node_disconnect(struct node *n, const char *identity)
{
	return peers_post(&n->parts[part_of(n, identity)], PEER_DISCONNECT, identity);
}

int node_reconnect(struct node *n, const char *identity)
{
	return peers_post(&n->parts[part_of(n, identity)], PEER_RECONNECT, identity);
}

int node_reconnect_all(struct node *n)
{
	return post_all(n, PEERS_RECONNECT, NULL);
}

int node_tls(void *n, SSL_CTX *tls)
{
	return post_all(n, NEW_TLS, tls);
}

static int part_init(struct node *n, struct part *p)
{
	p->node = n;
	p->loop = dia_loop_new();
	if (!p->loop)
		return -ENOMEM;
	p->via.loop = p->loop;
	p->settled.on_time = on_peers_settled;
	sem_init(&p->begun, 0, 0);
	sem_init(&p->over, 0, 0);
	n->n_parts++;
	return 0;
}

struct node *node_new(unsigned n_shards, SSL_CTX *tls, struct err *err)
{
	struct node *n = calloc(1, sizeof(*n));
	int rc = n ? 0 : -ENOMEM;

	dia_buffer_budget((size_t)bsf_limit(LIM_BUFFERS) << 20);
	if (n)
		n->door = dia_door_new(bsf_limit(LIM_WITHOUT_CER));
	if (n && !n->door)
		rc = -ENOMEM;
	for (unsigned i = 0; i < n_shards && rc == 0; i++)
		rc = part_init(n, &n->parts[i]);
	if (rc < 0) {
		err_set(err, rc, "diameter: no memory or descriptors");
		node_free(n);
		return NULL;
	}
	sem_init(&n->hss_open, 0, 0);
	if (tls && SSL_CTX_up_ref(tls))
		n->tls = tls;
	n->state_id = (uint32_t)time(NULL);
	n->realms[n->n_realms++] = bsf_cfg->realm;
	for (size_t i = 0; i < bsf_cfg->n_names; i++)
		n->realms[n->n_realms++] = bsf_cfg->names[i];
	naf_cfg_on_publish(node_on_publish, n);
	return n;
}

void node_free(struct node *n)
{
	if (!n)
		return;
	naf_cfg_on_publish(NULL, NULL);
	for (unsigned i = 0; i < n->n_parts; i++) {
		dia_loop_free(n->parts[i].loop);
		sem_destroy(&n->parts[i].begun);
		sem_destroy(&n->parts[i].over);
	}
	SSL_CTX_free(n->tls);
	dia_door_free(n->door);
	free(n);
}

struct dia_loop *node_loop(const struct node *n, unsigned no)
{
	return n->parts[no].loop;
}

const struct zh_via *node_via(const struct node *n, const char *peer)
{
	return &n->parts[part_of(n, peer)].via;
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
	struct node *n = ((struct part *)owner)->node;

	const struct policy *p = policy_current();

	for (size_t i = 0; p && i < p->n_hss; i++) {
		if (strcasecmp(p->hss[i]->via, peer) != 0)
			continue;
		hss_state_ready(p->hss[i]->state, ready);
		if (ready)
			sem_post(&n->hss_open);
	}
}

static int node_admit(void *owner, const char *identity, const struct sockaddr *from)
{
	return policy_admit(policy_current(), identity, from);
}

static bool node_comes_from(void *owner, const struct sockaddr *from)
{
	return !atomic_load_explicit(&bsf_cfg->limits.strangers_close, memory_order_relaxed) ||
	       policy_comes_from(policy_current(), from);
}

static void node_limits(void *owner, const char *identity, struct dia_hub_limits *out)
{
	const struct policy_peer *p = policy_peer(policy_current(), identity);

	if (!p)
		return;
	out->connections = p->connections;
	out->msg_max = p->asked ? DIA_FRAME_HSS : DIA_FRAME_NAF;
}

static void node_security(void *owner, const char *identity, const struct sockaddr *at, struct dia_hub_security *out)
{
	const struct policy_peer *p = policy_peer(policy_current(), identity);

	if (!p)
		return;
	out->how = (enum dia_hub_protection)p->how;
	out->names = (const char *const *)p->tls_names;
	out->n_names = p->n_tls_names;
	out->cn = p->tls_cn;
}

bool node_wait_hss(struct node *n, unsigned ms)
{
	struct timespec until = clock_mono_after(ms);

	while (sem_clockwait(&n->hss_open, CLOCK_MONOTONIC, &until) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

/* A connection on its way to the part of its peer. */
struct move_post {
	struct dia_post post; /* first */
	struct part *part;
	struct dia_hub_arrival a;
	uint8_t octets[];
};

static void node_run_move(struct dia_post *post, bool stopping)
{
	struct move_post *m = (struct move_post *)post;

	if (!stopping && m->part->hub)
		dia_hub_take(m->part->hub, &m->a);
	else
		dia_hub_turn_away(&m->a);
	free(m);
}

static bool node_elsewhere(void *owner, const char *identity)
{
	return !is_of(owner, identity);
}

static void node_hand_over(void *owner, const char *identity, const struct dia_hub_arrival *a)
{
	struct node *n = ((struct part *)owner)->node;
	struct move_post *m = malloc(sizeof(*m) + a->octets.len);

	if (!m) {
		dia_hub_turn_away(a);
		return;
	}
	*m = (struct move_post){ .post.run = node_run_move, .part = &n->parts[part_of(n, identity)], .a = *a };
	memcpy(m->octets, a->octets.p, a->octets.len);
	m->a.octets.p = m->octets;
	dia_loop_post(m->part->loop, &m->post);
}

/* Figures: a word to each loop and back. Who waits may give up, so the last of the two frees. */
struct ask_figures {
	struct dia_post post; /* first */
	struct part *part;
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

	if (!stopping && a->part->hub)
		dia_hub_figures(a->part->hub, figures_add, a);
	atomic_store(&a->rc, a->failed);
	sem_post(&a->done);
	figures_drop(a);
}

/* Those of one part behind what *out has; NULL is none. \returns how many in all; -errno, *out is as it was */
static int part_figures(struct part *p, struct dia_hub_peer_figures **out, size_t n)
{
	struct timespec until = clock_mono_after(FIGURES_MS);
	struct ask_figures *a = calloc(1, sizeof(*a));
	struct dia_hub_peer_figures *more;
	int rc;

	if (!a)
		return -ENOMEM;
	a->post.run = node_run_figures;
	a->part = p;
	atomic_init(&a->holders, 2);
	sem_init(&a->done, 0, 0);
	dia_loop_post(p->loop, &a->post);
	while ((rc = sem_clockwait(&a->done, CLOCK_MONOTONIC, &until)) < 0 && errno == EINTR)
		;
	rc = rc < 0 ? -ETIMEDOUT : atomic_load(&a->rc);
	more = rc == 0 && a->n ? realloc(*out, (n + a->n) * sizeof(*more)) : NULL;
	if (more) {
		memcpy(more + n, a->all, a->n * sizeof(*more));
		*out = more;
	} else if (rc == 0 && a->n) {
		rc = -ENOMEM;
	}
	rc = rc < 0 ? rc : (int)(n + a->n);
	figures_drop(a);
	return rc;
}

int node_figures(struct node *n, struct dia_hub_peer_figures **out)
{
	struct dia_hub_peer_figures *all = NULL;
	int rc = 0;

	for (unsigned i = 0; i < n->n_parts && rc >= 0; i++)
		rc = part_figures(&n->parts[i], &all, (size_t)rc);
	if (rc < 0)
		free(all);
	else
		*out = all;
	return rc;
}

/* Start and end. */

static struct dia_hub *make_hub(struct part *p)
{
	const struct node *n = p->node;
	struct dia_hub_cfg cfg = {
		.self = { bsf_cfg->identity, bsf_cfg->realm },
		.realms = n->realms,
		.n_realms = n->n_realms,
		.services = &p->service,
		.n_services = 1,
		.client_apps = &zh_app,
		.n_client_apps = 1,
		.n_listen = bsf_cfg->n_dia,
		.door = n->door,
		.share_port = n->n_parts > 1,
		.tls = n->tls,
		.state_id = n->state_id,
		.tc_ms = bsf_limit(LIM_TC) * 1000,
		.tw_ms = bsf_limit(LIM_TW) * 1000,
		.cb = { .event = node_on_event,
			.ready = node_on_ready,
			.comes_from = node_comes_from,
			.admit = node_admit,
			.limits = node_limits,
			.security = node_security,
			.owner = p },
	};

	if (n->n_parts > 1) {
		cfg.cb.elsewhere = node_elsewhere;
		cfg.cb.hand_over = node_hand_over;
	}
	for (size_t i = 0; i < bsf_cfg->n_dia; i++) {
		cfg.listen[i] = bsf_cfg->dia[i].addr;
		cfg.listen_tls[i] = bsf_cfg->dia[i].tls;
	}
	return dia_hub_new(p->loop, &cfg);
}

static void publish_hub(struct part *p, struct dia_hub *h)
{
	p->hub = h;
	p->via.hub = h;
}

int node_attach(struct node *n, unsigned no, void *ctx, const struct dia_hub_service *zn, struct err *err)
{
	struct part *p = &n->parts[no];

	p->service = *zn;
	publish_hub(p, make_hub(p));
	p->select = p->hub ? dia_select_new(ctx, p->loop) : NULL;
	if (p->select) {
		dia_loop_gather(p->loop);
		return 0;
	}
	node_detach(n, no);
	return err_set(err, -ENOMEM, "diameter: no memory");
}

void node_turn(struct node *n, unsigned no)
{
	dia_select_turn(n->parts[no].select);
}

bool node_due(const struct node *n, unsigned no)
{
	return dia_loop_due(n->parts[no].loop);
}

static void part_cut(struct part *p)
{
	struct dia_hub *h = p->hub;

	publish_hub(p, NULL);
	dia_loop_timer_stop(p->loop, &p->settled);
	dia_hub_free(h);
}

void node_detach(struct node *n, unsigned no)
{
	part_cut(&n->parts[no]);
}

static void node_run_begin(struct dia_post *post, bool stopping)
{
	struct part *p = owner_of(post, struct part, begin);

	p->rc = stopping ? -ESHUTDOWN : dia_hub_listen(p->hub, p->err);
	if (p->rc == 0 && dial_all(p, policy_current()) < 0)
		p->rc = err_set(p->err, -ENOMEM, "diameter: no memory");
	sem_post(&p->begun);
}

int node_begin(struct node *n, struct err *err)
{
	int rc = 0;

	for (unsigned i = 0; i < n->n_parts && rc == 0; i++) {
		struct part *p = &n->parts[i];

		p->begin.run = node_run_begin;
		p->err = err;
		dia_loop_post(p->loop, &p->begin);
		while (sem_wait(&p->begun) < 0)
			;
		rc = p->rc;
	}
	return rc;
}

static void on_over(void *owner)
{
	struct part *p = owner;

	part_cut(p);
	sem_post(&p->over);
}

static void node_run_stop(struct dia_post *post, bool stopping)
{
	struct part *p = owner_of(post, struct part, stop);

	if (p->hub && !stopping)
		dia_hub_stop(p->hub, on_over, p);
	else
		sem_post(&p->over);
}

void node_stop(struct node *n, unsigned n_shards)
{
	for (unsigned i = 0; i < n_shards; i++) {
		n->parts[i].stop.run = node_run_stop;
		dia_loop_post(n->parts[i].loop, &n->parts[i].stop);
	}
	for (unsigned i = 0; i < n_shards; i++)
		while (sem_wait(&n->parts[i].over) < 0)
			;
}
