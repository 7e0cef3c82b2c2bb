/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A request from its arrival to its answer: now, straight into what the connection sends, or later. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <openssl/crypto.h>
#include "common/dia/dia_hub_in.h"

struct dia_reply {
	struct dia_conn *conn;
	struct dia_identity *id; /* of the connection when the request came */
	struct span request;
	bool kept, ended;
	uint8_t octets[]; /* of a kept one */
};

struct span dia_reply_request(const struct dia_reply *r)
{
	return r->request;
}

const char *dia_reply_peer(const struct dia_reply *r)
{
	return r->id->name;
}

bool dia_reply_covers(const struct dia_reply *r, const char *name)
{
	return !r->conn->cleared && dia_secure_covers(r->conn, false, name);
}

static void reply_end(struct dia_reply *r)
{
	struct dia_conn *c = r->conn;

	r->ended = true;
	if (!r->kept)
		return;
	c->replies--;
	dia_conn_free_if_unused(c);
	OPENSSL_cleanse(r->octets, r->request.len);
	free(r);
}

static bool gone(const struct dia_reply *r)
{
	return r->conn->ending || r->conn->cleared;
}

static void reply_commit(struct dia_conn *c, const struct writer *w, int len)
{
	if (len > 0)
		dia_figures_answer(c->id, span_of(w->p, (size_t)len));
	dia_stream_commit(&c->s, len);
}

/* Half an answer is none, and none would leave who asked waiting. */
static int no_room(struct dia_conn *c)
{
	dia_conn_no_room(c);
	return -ENOTCONN;
}

/* Refusals fit: they hold no more than the request had and a fault. */
static int put_fault(struct dia_conn *c, struct span request, const struct dia_fault *f)
{
	struct writer w;

	if (!dia_stream_room(&c->s, &w, 1024 + DIA_FAILED_MAX + request.len))
		return no_room(c);
	reply_commit(c, &w, dia_build_refusal(&w, request, &c->hub->cfg.self, f));
	return 0;
}

static void reply_code(struct dia_conn *c, struct span msg, uint32_t code)
{
	put_fault(c, msg, &(struct dia_fault){ .code = code });
}

int dia_reply_refuse(struct dia_reply *r, const struct dia_fault *f)
{
	int rc = gone(r) ? -ENOTCONN : put_fault(r->conn, r->request, f);

	reply_end(r);
	return rc;
}

void dia_reply_drop(struct dia_reply *r)
{
	reply_end(r);
}

/* First with little room, then with all a message may have: most answers are small. */
static int put_answer(struct dia_reply *r, dia_reply_fn *put, const void *answer)
{
	static const size_t rooms[] = { 2048, DIA_HUB_ANSWER_MAX };
	struct dia_conn *c = r->conn;

	for (size_t i = 0; i < 2; i++) {
		struct writer w;
		int len;

		if (!dia_stream_room(&c->s, &w, rooms[i]))
			return no_room(c);
		len = put(&w, r->request, &c->hub->cfg.self, answer);
		if (len >= 0) {
			reply_commit(c, &w, len);
			return 0;
		}
	}
	reply_code(c, r->request, RESULT_UNABLE_TO_COMPLY);
	return -EMSGSIZE;
}

int dia_reply_put(struct dia_reply *r, dia_reply_fn *put, const void *answer)
{
	int rc = gone(r) ? -ENOTCONN : put_answer(r, put, answer);

	reply_end(r);
	return rc;
}

struct dia_reply *dia_reply_keep(struct dia_reply *r)
{
	struct dia_reply *kept = malloc(sizeof(*kept) + r->request.len);
	struct writer w;
	int len;

	if (kept) {
		*kept = (struct dia_reply){ .conn = r->conn, .id = r->id, .kept = true };
		writer_init(&w, kept->octets, r->request.len);
		len = dia_build_keep(&w, r->request);
		if (len >= 0) {
			kept->request = span_of(kept->octets, (size_t)len);
			kept->conn->replies++;
			r->ended = true;
			return kept;
		}
	}
	free(kept);
	dia_reply_refuse(r, &(struct dia_fault){ .code = RESULT_TOO_BUSY });
	return NULL;
}

static const struct dia_hub_service *service_of(const struct dia_hub *h, const struct dia_grammar *g)
{
	for (size_t i = 0; i < h->cfg.n_services; i++)
		if (h->cfg.services[i].grammar == g)
			return &h->cfg.services[i];
	return NULL;
}

/* Of an application in which we only ask? A relay takes all who advertise one for its servers. */
static bool only_asked(const struct dia_hub *h, struct span msg)
{
	struct dia_hdr hdr;

	dia_wire_hdr(&hdr, msg.p);
	for (size_t i = 0; i < h->cfg.n_client_apps; i++)
		if (h->cfg.client_apps[i] == hdr.app)
			return true;
	return false;
}

static void tell_misrouted(struct dia_conn *c)
{
	const char *words =
		c->id->misrouted
			? ""
			: "it sends us requests of an application in which we only ask: a relay without a routing rule";

	c->id->misrouted = true;
	dia_hub_tell(c->hub, DIA_HUB_MISROUTED, c->id->name, words);
}

static void tell_refused_request(struct dia_conn *c, struct span msg, uint32_t code)
{
	bool realm = code == RESULT_REALM_NOT_SERVED || code == RESULT_UNABLE_TO_DELIVER;
	char text[64];

	if (code == RESULT_APPLICATION_UNSUPPORTED && c->id && only_asked(c->hub, msg)) {
		tell_misrouted(c);
		return;
	}
	snprintf(text, sizeof(text), "a request gets %u", code);
	dia_hub_tell(c->hub, realm ? DIA_HUB_REALM : DIA_HUB_PROTOCOL, c->id ? c->id->name : "-", text);
}

void dia_reply_serve(struct dia_conn *c, struct span msg)
{
	struct dia_reply r = { .conn = c, .id = c->id, .request = msg };
	struct dia_fault f;
	const struct dia_grammar *g = dia_local(&f, msg, &c->hub->local);
	const struct dia_hub_service *s = g ? service_of(c->hub, g) : NULL;

	if (!s) {
		tell_refused_request(c, msg, f.code);
		put_fault(c, msg, &f);
		return;
	}
	s->fn(s->owner, &r);
	if (!r.ended)
		dia_reply_refuse(&r, &(struct dia_fault){ .code = RESULT_UNABLE_TO_COMPLY });
}
