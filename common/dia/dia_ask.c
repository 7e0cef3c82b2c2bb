/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A request of ours from its question to its one end: the answer, the deadline, or the loss of the connection. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/base/clock.h"
#include "common/base/owner_of.h"
#include "common/crypto/rng.h"
#include "common/dia/dia_hub_in.h"

struct ask {
	struct dia_wait wait; /* first */
	struct dia_hub *hub;
	struct dia_identity *id;
	struct dia_conn *conn; /* it went out on; there as long as this is in the table */
	struct dia_timer timer;
	dia_ask_fn *done;
	void *owner;
	uint64_t txn;
	uint32_t command, app; /* of the answer */
	uint64_t sent_us;
};

int dia_ask_sessions_init(struct dia_sessions *s, const char *host)
{
	s->host = host;
	s->lo = 0;
	return rng_fill(&s->hi, sizeof(s->hi));
}

void dia_ask_session_id(struct dia_sessions *s, char out[DIA_SESSION_ID_MAX])
{
	snprintf(out, DIA_SESSION_ID_MAX, "%s;%016" PRIx64 ";%" PRIu64, s->host, s->hi, ++s->lo);
}

static void ask_end(struct ask *a, int rc, struct span answer)
{
	struct ask copy = *a;

	dia_loop_timer_stop(a->hub->loop, &a->timer);
	dia_pending_del(a->hub->pending, &a->wait);
	a->id->pending--;
	dia_conn_asked_less(a->conn);
	free(a);
	copy.done(copy.owner, copy.txn, rc, answer);
}

static void ask_on_time(struct dia_timer *t)
{
	struct ask *a = owner_of(t, struct ask, timer);

	ask_end(a, -ETIMEDOUT, span_of(NULL, 0));
}

void dia_ask_lost(struct dia_conn *c)
{
	struct dia_wait *w;

	while ((w = dia_pending_take_any(c->hub->pending, c)))
		ask_end((struct ask *)w, -ENOTCONN, span_of(NULL, 0));
}

void dia_ask_answered(struct dia_conn *c, struct span msg)
{
	struct dia_hdr hdr;
	struct dia_wait *w;

	dia_wire_hdr(&hdr, msg.p);
	w = dia_pending_take(c->hub->pending, hdr.hop_by_hop, c);
	if (w) {
		struct ask *a = (struct ask *)w;
		bool fits = hdr.command == a->command && hdr.app == a->app;

		a->id->answers_in++;
		dia_figures_answer(a->id, msg);
		dia_figures_round_trip(a->id, clock_mono_us() - a->sent_us);
		ask_end(a, fits ? 0 : -EBADMSG, fits ? msg : span_of(NULL, 0));
		return;
	}
	if (!c->id)
		return;
	c->id->stray++;
	dia_hub_tell(c->hub, DIA_HUB_STRAY, c->id->name, "");
}

static struct dia_conn *usable(struct dia_identity *id)
{
	for (unsigned i = 0; i < dia_peer_links(id->machine); i++)
		if (id->links[i] && dia_peer_usable(id->machine, i))
			return id->links[i];
	return NULL;
}

int dia_ask_covers(struct dia_hub *h, const char *peer, const char *name)
{
	struct dia_identity *id = dia_identity_find(h, peer);
	struct dia_conn *c = id ? usable(id) : NULL;

	return c ? dia_secure_covers(c, true, name) : -ENOTCONN;
}

static struct ask *ask_new(struct dia_hub *h, struct dia_identity *id, struct dia_conn *c, const struct dia_grammar *g)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->wait.conn = a->conn = c;
	a->command = g->command;
	a->app = g->app;
	a->sent_us = clock_mono_us();
	a->hub = h;
	a->id = id;
	a->timer.on_time = ask_on_time;
	return a;
}

/* Into what the connection sends. */
static int ask_put(struct ask *a, struct dia_conn *c, const struct dia_target *to, dia_ask_put_fn *put,
		   const void *what)
{
	char session_id[DIA_SESSION_ID_MAX];
	struct dia_address address = { .self = &a->hub->cfg.self,
				       .session_id = to->session_id,
				       .realm = to->realm,
				       .host = to->host,
				       .hop_by_hop = a->wait.hop_by_hop,
				       .end_to_end = to->end_to_end ? to->end_to_end : dia_hub_next_id(a->hub),
				       .repeated = to->repeated };
	struct writer w;
	int len;

	if (!to->session_id) {
		dia_ask_session_id(&a->hub->sessions, session_id);
		address.session_id = session_id;
	}
	if (!dia_stream_room(&c->s, &w, to->room))
		return -EBUSY;
	len = put(&w, &address, what);
	dia_stream_commit(&c->s, len);
	return len < 0 ? -EMSGSIZE : 0;
}

int dia_ask(struct dia_hub *h, const struct dia_target *to, dia_ask_put_fn *put, const void *what, uint32_t patience_ms,
	    dia_ask_fn *done, void *owner, uint64_t txn)
{
	struct dia_identity *id = dia_identity_find(h, to->peer);
	struct dia_conn *c = id ? usable(id) : NULL;
	struct ask *a;
	int rc;

	if (!c || h->stopping)
		return -ENOTCONN;
	if (id->pending >= DIA_HUB_PENDING)
		return -EBUSY;
	a = ask_new(h, id, c, to->grammar);
	if (!a)
		return -ENOMEM;
	rc = dia_pending_add(h->pending, &a->wait);
	if (rc == 0)
		rc = ask_put(a, c, to, put, what);
	if (rc < 0) {
		dia_pending_del(h->pending, &a->wait);
		free(a);
		return rc;
	}
	dia_loop_timer(h->loop, &a->timer, patience_ms);
	id->pending++;
	c->asked++;
	id->requests_out++;
	a->done = done;
	a->owner = owner;
	a->txn = txn;
	return 0;
}
