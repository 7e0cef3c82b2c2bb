/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/node.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "bsf/run/node_in.h"
#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/owner_of.h"
#include "common/dia/dia_buffer.h"
#include "common/rt/dia_select.h"

static const uint32_t zh_app = GBA_APP_ZH;

unsigned node_part_of(const struct node *n, const char *identity)
{
	return (ascii_hash(identity) >> 8) % n->n_parts;
}

bool node_is_of(const struct part *p, const char *identity)
{
	return &p->node->parts[node_part_of(p->node, identity)] == p;
}

static int part_init(struct node *n, struct part *p)
{
	p->node = n;
	p->loop = dia_loop_new();
	if (!p->loop)
		return -ENOMEM;
	p->via.loop = p->loop;
	p->settled.on_time = node_on_settled;
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
		n->door = dia_door_new(bsf_limit(LIM_WITHOUT_CER), bsf_limit(LIM_HANDSHAKES));
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
	return &n->parts[node_part_of(n, peer)].via;
}

bool node_wait_hss(struct node *n, unsigned ms)
{
	return clock_sem_wait(&n->hss_open, ms);
}

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
		.cb = node_hub_cb(p),
	};

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
	if (p->rc == 0 && node_dial_all(p, policy_current()) < 0)
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
