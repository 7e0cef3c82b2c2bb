/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/zh_client_dia.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include "bsf/run/cfg.h"
#include "common/base/owner_of.h"
#include "common/dia/zh_wire.h"

#define PATIENCES  4 /* a request is forgotten after so many times what its sender waits: until then an answer is late */
#define MAR_OCTETS 2048 /* names of 255 octets each, and the rest */

struct zh_client {
	struct zh_client_dia_cfg cfg;
	struct dia_sessions sessions;
	char asked[BSF_ID_MAX + 1];
};

/* One question, from the shard to the loop and back. */
struct zh_question {
	struct dia_post post;   /* first: on its way there */
	struct inbox_item item; /* on its way back */
	struct zh_client_dia_cfg back;
	const struct bsf_hss *hss;
	const struct zh_via *via;
	uint32_t patience_ms;
	uint64_t txn;
	char session_id[DIA_SESSION_ID_MAX];
	struct zh_mar mar;
	struct zh_result r;
};

struct zh_client *zh_client_dia_new(void *ctx, const struct zh_client_dia_cfg *cfg)
{
	struct zh_client *zc = talloc_zero(ctx, struct zh_client);

	if (!zc)
		return NULL;
	zc->cfg = *cfg;
	if (dia_ask_sessions_init(&zc->sessions, bsf_cfg->identity) == 0)
		return zc;
	talloc_free(zc);
	return NULL;
}

/* The way back. */

static void question_free(struct zh_question *q)
{
	zh_vector_clear(&q->r.vector);
	guss_blob_put(q->r.guss);
	free(q);
}

static void question_end(struct zh_question *q)
{
	q->back.done(q->back.owner, q->txn, &q->r);
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

static void read_answer(struct zh_question *q, struct span msg)
{
	struct zh_maa maa = { .vector = { .kind = ZH_VECTOR_NONE } };

	read_text(q->r.said.origin, sizeof(q->r.said.origin), msg, AVP_ORIGIN_HOST);
	read_text(q->r.said.error, sizeof(q->r.said.error), msg, AVP_ERROR_MESSAGE);
	q->r.rc = zh_wire_maa_get(&maa, msg);
	if (q->r.rc == 0 && !is_answer_to(q, msg))
		q->r.rc = -EBADMSG;
	if (q->r.rc == 0) {
		q->r.result = maa.result;
		q->r.vector = maa.vector;
		if (maa.guss.len && !(q->r.guss = guss_blob_new(maa.guss)))
			q->r.rc = -ENOMEM;
	}
	zh_maa_clear(&maa);
}

/* On the loop's thread. Nobody waits any more after a time-out. */
static void zh_client_on_answer(void *owner, uint64_t txn, int rc, struct span answer)
{
	struct zh_question *q = owner;

	if (rc == -ETIMEDOUT) {
		question_free(q);
		return;
	}
	snprintf(q->r.said.origin, sizeof(q->r.said.origin), "%s", q->hss->identity);
	if (rc == 0)
		read_answer(q, answer);
	else
		q->r.rc = rc;
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
	const struct bsf_hss *hss = q->hss;
	struct dia_target to = { .peer = bsf_hss_via(hss),
				 .realm = hss->realm,
				 .host = hss->via && !hss->destination_host ? NULL : hss->identity,
				 .session_id = q->session_id,
				 .grammar = &zh_wire_mar,
				 .room = MAR_OCTETS };

	return dia_ask(q->via->hub, &to, put_mar, &q->mar, q->patience_ms * PATIENCES, zh_client_on_answer, q, q->txn);
}

static void question_arrived(struct dia_post *p, bool stopping)
{
	struct zh_question *q = (struct zh_question *)p;
	int rc;

	if (stopping || !q->via->hub) { /* the shards have ended all that waited */
		question_free(q);
		return;
	}
	rc = question_ask(q);
	if (rc < 0)
		zh_client_on_answer(q, q->txn, rc, span_of(NULL, 0));
}

static struct bsf_hss *hss_open(void)
{
	for (size_t i = 0; i < bsf_cfg->n_hss; i++) {
		if (atomic_load(&bsf_cfg->hss[i].open))
			return &bsf_cfg->hss[i];
	}
	return NULL;
}

static struct zh_question *question_new(struct zh_client *zc, const struct zh_ask *ask, struct bsf_hss *hss)
{
	struct zh_question *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->post.run = question_arrived;
	q->back = zc->cfg;
	q->hss = hss;
	q->via = &zc->cfg.via[hss - bsf_cfg->hss];
	q->patience_ms = atomic_load(&hss->timeout_s) * 1000;
	q->mar = (struct zh_mar){ .impi = *ask->impi };
	snprintf(q->mar.scheme, sizeof(q->mar.scheme), "%s", ask->scheme);
	if (ask->auts) {
		q->mar.has_resync = true;
		memcpy(q->mar.rand, ask->rand, sizeof(q->mar.rand));
		memcpy(q->mar.auts, ask->auts, sizeof(q->mar.auts));
	}
	dia_ask_session_id(&zc->sessions, q->session_id);
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

int zh_client_ask(struct zh_client *zc, const struct zh_ask *ask, uint64_t txn, uint32_t *timeout_ms, char *session_id)
{
	struct bsf_hss *hss = hss_open();
	struct zh_question *q;
	int rc;

	snprintf(zc->asked, sizeof(zc->asked), "%s", hss ? hss->identity : bsf_cfg->hss[0].identity);
	if (!hss)
		return -ENOTCONN;
	q = question_new(zc, ask, hss);
	if (!q)
		return -ENOMEM;
	q->txn = txn;
	*timeout_ms = q->patience_ms;
	snprintf(session_id, ZH_SESSION_ID_MAX + 1, "%.*s", ZH_SESSION_ID_MAX, q->session_id);
	rc = question_send(q);
	if (rc < 0)
		question_free(q);
	return rc;
}

const char *zh_client_asked(const struct zh_client *zc)
{
	return zc->asked;
}
