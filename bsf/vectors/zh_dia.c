/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/zh_dia.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include "bsf/run/cfg.h"
#include "common/base/owner_of.h"
#include "common/dia/dia_hub.h"
#include "common/dia/dia_ids.h"
#include "common/dia/dia_redirect.h"
#include "common/dia/zh_wire.h"
#include "common/rt/inbox.h"

#define PATIENCES  4 /* a request is forgotten after so many times what its sender waits: until then an answer is late */
#define MAR_OCTETS 2048 /* names of 255 octets each, and the rest */

struct zh_dia {
	struct zh_dia_cfg cfg;
	struct dia_sessions sessions;
};

/* One question, from the shard to the loop and back. */
struct zh_question {
	struct dia_post post;   /* first: on its way there */
	struct inbox_item item; /* on its way back */
	struct zh_dia_cfg back;
	const struct zh_via *via;
	uint64_t run;
	char host[ZH_HOST_MAX + 1]; /* "": none */
	char session_id[DIA_SESSION_ID_MAX];
	uint32_t end_to_end;
	bool repeated;
	struct zh_mar mar;
	struct zh_answer a; /* of hss it has a holder */
};

struct zh_dia *zh_dia_new(void *ctx, const struct zh_dia_cfg *cfg)
{
	struct zh_dia *d = talloc_zero(ctx, struct zh_dia);

	if (!d)
		return NULL;
	d->cfg = *cfg;
	if (dia_ask_sessions_init(&d->sessions, bsf_cfg->identity) == 0)
		return d;
	talloc_free(d);
	return NULL;
}

uint32_t zh_dia_ids(struct zh_dia *d, char *session_id)
{
	dia_ask_session_id(&d->sessions, session_id);
	return dia_ids_next();
}

/* The way back. */

static void question_free(struct zh_question *q)
{
	zh_vector_clear(&q->a.r.vector);
	guss_blob_put(q->a.r.guss);
	free(q->a.redirect);
	hss_put(q->a.hss);
	free(q);
}

static void question_end(struct zh_question *q)
{
	q->back.done(q->back.owner, q->run, &q->a);
	question_free(q);
}

static void question_came_back(void *owner, struct inbox_item *item, bool stopping)
{
	struct zh_question *q = owner_of(item, struct zh_question, item);

	if (stopping)
		question_free(q);
	else
		question_end(q);
}

static void send_back(struct zh_question *q)
{
	if (q->via->loop == q->back.loop)
		return question_end(q);
	q->item.run = question_came_back;
	if (inbox_post_always(q->back.inbox, &q->item) < 0)
		question_free(q);
}

/* For the log: its beginning will do, and what is no text is left out. */
static void read_text(char *out, size_t cap, struct span msg, enum dia_avp_id id)
{
	struct dia_avp a;

	if (!dia_wire_find(&a, dia_wire_avps(msg), id))
		return;
	if (a.data.len >= cap)
		a.data.len = cap - 1;
	if (span_to_str(out, cap, a.data) < 0)
		out[0] = '\0';
}

/* A vector of somebody else's would be used as if it were this one's. */
static bool is_answer_to(const struct zh_question *q, struct span msg)
{
	char impi[IMPI_MAX + 1];
	struct dia_hdr hdr;
	struct dia_avp a;

	dia_wire_hdr(&hdr, msg.p);
	if (dia_wire_find(&a, dia_wire_avps(msg), AVP_SESSION_ID)) {
		if (!span_eq(a.data, span_str(q->session_id)))
			return false;
	} else if (!(hdr.flags & DIA_CMD_E)) {
		return false;
	}
	if (!dia_wire_find(&a, dia_wire_avps(msg), AVP_USER_NAME))
		return true;
	return span_to_str(impi, sizeof(impi), a.data) == 0 && impi_same(impi, q->mar.impi.s);
}

static void read_redirect(struct zh_question *q, struct span msg)
{
	q->a.redirect = calloc(1, sizeof(*q->a.redirect));
	q->a.r.rc = q->a.redirect ? dia_redirect_get(q->a.redirect, msg) : -ENOMEM;
	if (q->a.r.rc == 0)
		q->a.so_far = HSS_REDIRECTED;
}

static void read_answer(struct zh_question *q, struct span msg)
{
	struct zh_maa maa = { .vector = { .kind = ZH_VECTOR_NONE } };
	struct zh_result *r = &q->a.r;

	q->a.so_far = HSS_ANSWERED;
	read_text(r->said.origin, sizeof(r->said.origin), msg, AVP_ORIGIN_HOST);
	read_text(r->said.error, sizeof(r->said.error), msg, AVP_ERROR_MESSAGE);
	r->rc = zh_wire_maa_get(&maa, msg);
	if (r->rc == 0 && !is_answer_to(q, msg))
		r->rc = -EBADMSG;
	if (r->rc == 0) {
		r->result = maa.result;
		r->vector = maa.vector;
		r->guss_equal = q->mar.has_guss_timestamp && !maa.guss.len;
		if (maa.guss.len && !(r->guss = guss_blob_new(maa.guss)))
			r->rc = -ENOMEM;
	}
	zh_maa_clear(&maa);
	if (r->rc == 0 && r->result.code == RESULT_REDIRECT && !r->result.experimental)
		read_redirect(q, msg);
}

/* On the loop's thread. Nobody waits any more after a time-out. */
static void zh_dia_on_answer(void *owner, uint64_t txn, int rc, struct span answer)
{
	struct zh_question *q = owner;

	if (rc == -ETIMEDOUT) {
		question_free(q);
		return;
	}
	snprintf(q->a.r.said.origin, sizeof(q->a.r.said.origin), "%s", q->a.hss->identity);
	q->a.r.rc = rc;
	q->a.so_far = rc == -ENOTCONN ? HSS_LOST : HSS_ANSWERED;
	if (rc == 0)
		read_answer(q, answer);
	send_back(q);
}

/* The way there. */

static int put_mar(struct writer *w, const struct dia_address *to, const void *what)
{
	return zh_wire_mar_put(w, to, what);
}

/* On the loop's thread. \returns as dia_ask() */
static int question_ask(struct zh_question *q)
{
	struct dia_target to = { .peer = q->a.hss->via,
				 .realm = q->a.hss->realm,
				 .host = q->host[0] ? q->host : NULL,
				 .session_id = q->session_id,
				 .end_to_end = q->end_to_end,
				 .repeated = q->repeated,
				 .grammar = &zh_wire_mar,
				 .room = MAR_OCTETS };

	return dia_ask(q->via->hub, &to, put_mar, &q->mar, q->a.hss->timeout_ms * PATIENCES, zh_dia_on_answer, q,
		       q->run);
}

static void question_arrived(struct dia_post *p, bool stopping)
{
	struct zh_question *q = (struct zh_question *)p;

	if (stopping || !q->via->hub) { /* the shards have ended all that waited */
		question_free(q);
		return;
	}
	q->a.r.rc = question_ask(q);
	if (q->a.r.rc < 0)
		send_back(q); /* HSS_UNSENT */
}

static struct zh_question *question_new(struct zh_dia *d, const struct zh_dia_ask *ask)
{
	const char *host = ask->host ? ask->host : ask->hss->destination_host ? ask->hss->identity : "";
	struct zh_question *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->post.run = question_arrived;
	q->back = d->cfg;
	q->via = d->cfg.via(d->cfg.node, ask->hss->via);
	q->run = ask->run;
	snprintf(q->host, sizeof(q->host), "%s", host);
	snprintf(q->session_id, sizeof(q->session_id), "%s", ask->session_id);
	q->end_to_end = ask->end_to_end;
	q->repeated = ask->repeated;
	q->mar = *ask->mar;
	q->a.hss = hss_get(ask->hss);
	q->a.r.hss = ask->hss->id;
	q->a.no = ask->no;
	q->a.so_far = HSS_UNSENT;
	return q;
}

/* \returns 0: q is taken */
static int question_send(struct zh_question *q)
{
	if (q->via->loop == q->back.loop)
		return q->via->hub ? question_ask(q) : -ENOTCONN;
	dia_loop_post(q->via->loop, &q->post);
	return 0;
}

int zh_dia_send(struct zh_dia *d, const struct zh_dia_ask *ask)
{
	struct zh_question *q = question_new(d, ask);
	int rc = q ? question_send(q) : -ENOMEM;

	if (q && rc < 0)
		question_free(q);
	return rc;
}
