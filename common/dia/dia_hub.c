/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_hub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <openssl/ssl.h>
#include "common/base/ascii.h"
#include "common/base/owner_of.h"
#include "common/dia/dia_hub_in.h"
#include "common/dia/dia_ids.h"

#define VENDOR_ID  0
#define STOP_MS    4000 /* who does not answer a DPR keeps nobody from stopping */
#define DEFAULT_MS 5000

uint64_t dia_hub_now(const struct dia_hub *h)
{
	return dia_loop_now(h->loop);
}

void dia_hub_tell(struct dia_hub *h, enum dia_hub_event ev, const char *peer, const char *detail)
{
	if (h->cfg.cb.event)
		h->cfg.cb.event(h->cfg.cb.owner, ev, peer, detail);
}

/* Hop-by-hop ids of the base protocol and end-to-end ids. */
uint32_t dia_hub_next_id(struct dia_hub *h)
{
	return dia_ids_next();
}

void dia_hub_recheck(struct dia_hub *h)
{
	struct dia_conn *c, *next;

	for (c = h->named.first; c; c = next) {
		next = c->next;
		if (!c->id)
			continue;
		if (c->dialled ? !c->id->dial : dia_refusal_of_name(c, c->id->name) != NULL) {
			c->why = "it is not configured any more";
			dia_identity_happens(c, DIA_ON_UNNAMED, DIA_DO_NOT_WANT);
		} else if (c->opened && !dia_secure_holds(c)) {
			c->why = "what was configured of its TLS has changed";
			dia_identity_happens(c, DIA_ON_STOP, DIA_REBOOTING);
		}
	}
}

bool dia_hub_is_open(const struct dia_hub *h, const char *identity)
{
	const struct dia_identity *id = dia_identity_find(h, identity);

	return id && dia_identity_is_ready(id);
}

/* Life. */

static void on_stopped(struct dia_timer *t)
{
	struct dia_hub *h = owner_of(t, struct dia_hub, stopped);

	h->on_stopped(h->stopped_owner);
}

static void make_caps(struct dia_hub *h)
{
	struct dia_caps *c = &h->caps;

	snprintf(c->host, sizeof(c->host), "%s", h->cfg.self.host);
	snprintf(c->realm, sizeof(c->realm), "%s", h->cfg.self.realm);
	snprintf(c->product, sizeof(c->product), "gba");
	c->vendor_id = VENDOR_ID;
	c->has_state = h->cfg.state_id != 0;
	c->state = h->cfg.state_id;
	c->no_tls = true;
	for (size_t i = 0; i < h->cfg.n_services && c->n_apps < DIA_BASE_APPS_MAX; i++)
		c->apps[c->n_apps++] = h->cfg.services[i].grammar->app;
	for (size_t i = 0; i < h->cfg.n_client_apps && c->n_apps < DIA_BASE_APPS_MAX; i++)
		c->apps[c->n_apps++] = h->cfg.client_apps[i];
}

struct dia_hub *dia_hub_new(struct dia_loop *l, const struct dia_hub_cfg *cfg)
{
	struct dia_hub *h = calloc(1, sizeof(*h));
	const size_t served_max = sizeof(h->served) / sizeof(h->served[0]);

	if (!h)
		return NULL;
	h->loop = l;
	h->cfg = *cfg;
	h->cfg.tc_ms = cfg->tc_ms ? cfg->tc_ms : DEFAULT_MS;
	h->cfg.tw_ms = cfg->tw_ms > DIA_TW_MIN_MS ? cfg->tw_ms : DIA_TW_MIN_MS;
	h->cfg.msg_max = cfg->msg_max ? cfg->msg_max : DIA_FRAME_NAF;
	h->spare_fd = -1;
	h->cfg.tls = NULL;
	dia_hub_tls(h, cfg->tls);
	h->stopped.on_time = on_stopped;
	for (size_t i = 0; i < cfg->n_services && i < served_max; i++)
		h->served[i] = cfg->services[i].grammar;
	h->local = (struct dia_local){ .identity = cfg->self.host,
				       .realms = cfg->realms,
				       .n_realms = cfg->n_realms,
				       .served = h->served,
				       .n_served = cfg->n_services < served_max ? cfg->n_services : served_max,
				       .agent = cfg->agent };
	make_caps(h);
	h->pending = dia_pending_new();
	h->own_door = !cfg->door;
	h->door = cfg->door ? cfg->door : dia_door_new(DIA_DOOR_ALL, DIA_RATE_A_SECOND);
	h->place = h->door ? dia_door_join(h->door, l, dia_listen_give, h) : -1;
	if (!h->pending || h->place < 0 || dia_ids_init() < 0 ||
	    dia_ask_sessions_init(&h->sessions, cfg->self.host) < 0) {
		dia_hub_free(h);
		return NULL;
	}
	dia_shakes_init(&h->shakes, l, dia_door_rate(h->door));
	return h;
}

void dia_hub_tls(struct dia_hub *h, SSL_CTX *tls)
{
	if (tls)
		SSL_CTX_up_ref(tls);
	SSL_CTX_free(h->cfg.tls);
	h->cfg.tls = tls;
}

int dia_hub_listen(struct dia_hub *h, struct err *err)
{
	return dia_listen_open(h, err);
}

void dia_hub_cleared(struct dia_hub *h)
{
	if (h->stopping && !h->named.first && !h->unnamed.first)
		dia_loop_timer(h->loop, &h->stopped, 0);
}

void dia_hub_stop(struct dia_hub *h, void (*done)(void *owner), void *owner)
{
	h->stopping = true;
	dia_loop_timer_stop(h->loop, &h->renewal);
	h->on_stopped = done;
	h->stopped_owner = owner;
	dia_listen_close(h);
	while (h->unnamed.first)
		dia_conn_end(h->unnamed.first, true, "we stop");
	for (struct dia_conn *c = h->named.first; c; c = c->next)
		c->why = c->why ? c->why : "we stop";
	dia_loop_timer(h->loop, &h->stopped, STOP_MS);
	for (size_t i = 0; i < DIA_HUB_BUCKETS; i++)
		for (struct dia_identity *id = h->identities[i]; id; id = id->next) {
			dia_peer_stop(id->machine, dia_hub_now(h), DIA_ON_STOP, DIA_REBOOTING);
			dia_identity_settle(id);
		}
	dia_hub_cleared(h);
}

static void cut_all(struct dia_hub *h, struct dia_conn_list *list)
{
	while (list->first) {
		struct dia_conn *c = list->first;

		dia_ask_lost(c);
		c->reset = true;
		dia_conn_clear(c);
	}
}

void dia_hub_free(struct dia_hub *h)
{
	if (!h)
		return;
	h->stopping = true; /* who loses its request here does not ask again */
	dia_listen_close(h);
	cut_all(h, &h->unnamed);
	cut_all(h, &h->named);
	dia_loop_timer_stop(h->loop, &h->stopped);
	dia_loop_timer_stop(h->loop, &h->renewal);
	for (size_t i = 0; i < DIA_HUB_BUCKETS; i++)
		while (h->identities[i]) {
			struct dia_identity *id = h->identities[i];

			h->identities[i] = id->next;
			dia_identity_free(id);
		}
	dia_pending_free(h->pending);
	SSL_CTX_free(h->cfg.tls);
	if (h->place >= 0)
		dia_door_leave(h->door, h->place);
	if (h->own_door)
		dia_door_free(h->door);
	free(h);
}
