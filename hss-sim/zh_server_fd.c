/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The library's side of Zh: decode, refuse at once what needs no subscriber, hand the rest to main. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/dia/dia_core.h"
#include "common/dia/zh_codec.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"
#include "dict/dict_gba.h"
#include "hss-sim/zh_decide.h"
#include "hss-sim/zh_server.h"

void zh_server_log(const struct zh_server_end *e)
{
	struct log_line l;

	counter_inc(e->cause);
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
static void zh_server_fd_refuse(struct msg **m, enum cause cause, const struct result *result, const struct zh_mar *mar,
				const char *peer)
{
	struct zh_maa maa = { .result = *result };

	zh_server_log(&(struct zh_server_end){ cause, mar->impi.s, peer, result, NULL, NULL });
	if (zh_maa_encode(m, &maa) < 0)
		LOGT(DZH, LOGL_ERROR, "no memory for an answer\n");
}

static struct zh_txn *txn_new(struct zh_server *s, struct msg *m, const struct zh_mar *mar, const char peer[256])
{
	struct zh_txn *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->item.run = zh_server_run;
	t->server = s;
	t->msg = m;
	t->mar = *mar;
	memcpy(t->peer, peer, sizeof(t->peer));
	return t;
}

static void zh_server_fd_on_request(struct msg **m, void *owner)
{
	static const struct result busy = { .code = RESULT_TOO_BUSY };
	struct zh_server *s = owner;
	struct result bad = { 0 };
	struct zh_mar mar = { 0 };
	struct zh_txn *t = NULL;
	char peer[256];

	dia_msg_peer(*m, peer);
	if (zh_mar_decode(&mar, *m, &bad) < 0) {
		struct zh_facts none = { 0 };
		struct zh_decision d;

		zh_decide(&d, &mar, &bad, &none);
		zh_server_fd_refuse(m, d.cause, &d.result, &mar, peer);
		return;
	}
	if (atomic_fetch_add(&s->in_work, 1) < ZH_WAITING_MAX)
		t = txn_new(s, *m, &mar, peer);
	if (t) {
		if (inbox_post(s->inbox, &t->item) == 0) {
			*m = NULL;
			return;
		}
		free(t);
	}
	atomic_fetch_sub(&s->in_work, 1);
	zh_server_fd_refuse(m, CAUSE_hss_busy, &busy, &mar, peer);
}

int zh_server_serve(struct zh_server *s)
{
	return dia_serve(GBA_APP_ZH, zh_server_fd_on_request, s);
}
