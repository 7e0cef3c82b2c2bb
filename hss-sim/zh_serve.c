/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A MAR comes in: read it, refuse at once what needs no subscriber. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/ascii.h"
#include "common/dia/zh_wire.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"
#include "hss-sim/mar_log.h"
#include "hss-sim/zh_decide.h"
#include "hss-sim/zh_server.h"

void zh_server_log(const struct zh_server_end *e)
{
	struct log_line l;

	counter_inc(e->cause);
	mar_log_add(e);
	if (!log_line_begin(&l, DZH, LOGL_INFO, e->cause))
		return;
	log_line_run(&l, e->rand);
	log_line_impi(&l, e->impi);
	log_line_str(&l, "peer", e->peer);
	log_line_result(&l, e->result);
	log_line_str(&l, "fault", e->fault);
	log_line_end(&l);
}

/* Answer here and now, without a vector. */
static void serve_refuse(struct dia_reply *r, enum cause cause, const struct dia_fault *fault, const struct zh_mar *mar)
{
	struct result result = dia_fault_result(fault);

	zh_server_log(&(struct zh_server_end){ cause, mar->impi.s, dia_reply_peer(r), &result, NULL, NULL });
	dia_reply_refuse(r, fault);
}

static void serve_unreadable(struct dia_reply *r, const struct zh_mar *mar, const struct dia_fault *fault)
{
	struct result bad = dia_fault_result(fault);
	struct zh_facts none = { 0 };
	struct zh_decision d;

	zh_decide(&d, mar, &bad, &none);
	serve_refuse(r, d.cause, fault, mar);
}

static struct zh_txn *txn_new(struct zh_server *s, struct dia_reply *r, const struct zh_mar *mar)
{
	struct zh_txn *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->server = s;
	t->mar = *mar;
	t->repeated = zh_repeats_marked(dia_reply_request(r));
	zh_repeats_key(s->repeats, &t->key, dia_reply_peer(r), dia_reply_request(r));
	t->reply = dia_reply_keep(r);
	if (t->reply)
		return t;
	free(t);
	return NULL;
}

static unsigned peer_slot(const char *peer)
{
	return (ascii_hash(peer) >> 16) % ZH_PEERS;
}

static bool room_for(const struct zh_server *s, unsigned peer)
{
	return s->in_work < ZH_WAITING_MAX && s->of_peer[peer] < ZH_SHARE * (ZH_WAITING_MAX - s->in_work);
}

static void zh_serve_on_mar(void *owner, struct dia_reply *r)
{
	unsigned peer = peer_slot(dia_reply_peer(r));
	struct zh_server *s = owner;
	struct zh_mar mar = { .scheme = "" };
	struct dia_fault bad;
	struct zh_txn *t;

	if (zh_wire_mar_get(&mar, dia_reply_request(r), &bad) < 0) {
		serve_unreadable(r, &mar, &bad);
		return;
	}
	if (!room_for(s, peer)) {
		serve_refuse(r, CAUSE_hss_busy, &(struct dia_fault){ .code = RESULT_TOO_BUSY }, &mar);
		return;
	}
	t = txn_new(s, r, &mar);
	if (!t) {
		counter_inc(CAUSE_hss_busy);
		return;
	}
	t->peer = peer;
	s->in_work++;
	s->of_peer[peer]++;
	zh_server_begin(t);
}

const struct dia_hub_service *zh_serve(struct zh_server *s)
{
	static struct dia_hub_service service = { .grammar = &zh_wire_mar, .fn = zh_serve_on_mar };

	service.owner = s;
	return &service;
}
