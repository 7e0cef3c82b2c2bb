/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A connection: its messages to events of the machine of its peer, and its end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <openssl/ssl.h>
#include "common/dia/dia_cover.h"
#include "common/dia/dia_buffer.h"
#include "common/dia/dia_hub_in.h"
#include "common/base/owner_of.h"

#define END_MS   5000 /* for the last message to leave */
#define CLOSE_MS 1000 /* for the other side to close, once it has left */

static void list_link(struct dia_conn_list *l, struct dia_conn *c)
{
	c->next = NULL;
	c->prev = l->last;
	if (l->last)
		l->last->next = c;
	else
		l->first = c;
	l->last = c;
}

static void list_unlink(struct dia_conn_list *l, struct dia_conn *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		l->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	else
		l->last = c->prev;
	c->next = c->prev = NULL;
}

static struct dia_conn_list *list_of(struct dia_conn *c)
{
	return c->named ? &c->hub->named : &c->hub->unnamed;
}

static void conn_list_add(struct dia_conn *c)
{
	list_link(list_of(c), c);
	if (!c->named)
		dia_door_in(c->hub->door, c->hub->place, c->host);
}

static void conn_list_del(struct dia_conn *c)
{
	list_unlink(list_of(c), c);
	if (!c->named)
		dia_door_out(c->hub->door, c->hub->place, c->host);
}

/* Its end. */

void dia_conn_free_if_unused(struct dia_conn *c)
{
	if (!c->cleared || c->replies)
		return;
	dia_cover_free(c->cover);
	free(c);
}

static void count_as_named(struct dia_conn *c, bool named)
{
	if (c->named == named)
		return;
	conn_list_del(c);
	c->named = named;
	conn_list_add(c);
}

void dia_conn_name(struct dia_conn *c)
{
	count_as_named(c, true);
}

void dia_conn_clear(struct dia_conn *c)
{
	conn_list_del(c);
	dia_loop_timer_stop(c->hub->loop, &c->timer);
	dia_loop_timer_stop(c->hub->loop, &c->expiry);
	dia_stream_clear(&c->s, c->reset);
	free(c->moving);
	c->moving = NULL;
	c->cleared = true;
	dia_hub_cleared(c->hub);
	dia_conn_free_if_unused(c);
}

static void conn_on_time(struct dia_timer *t)
{
	struct dia_conn *c = owner_of(t, struct dia_conn, timer);

	if (c->ending)
		dia_conn_clear(c);
	else if (c->moving)
		dia_move_end(c);
	else if (!c->id)
		dia_conn_end(c, true, "no CER came");
	else if (c->failed)
		dia_identity_happens(c, c->failed == -ENOBUFS ? DIA_ON_STALLED : DIA_ON_FAIL, 0);
	else if (c->draining && !(c->draining = false))
		dia_identity_happens(c, DIA_ON_DRAINED, 0);
}

/* Who stops has nobody left who waits for an answer. */
static void look_drained(struct dia_conn *c)
{
	if (c->draining && (!c->asked || c->hub->stopping))
		dia_loop_timer(c->hub->loop, &c->timer, 0);
}

void dia_conn_drain(struct dia_conn *c)
{
	c->draining = true;
	look_drained(c);
}

void dia_conn_asked_less(struct dia_conn *c)
{
	c->asked--;
	if (!c->ending)
		look_drained(c);
}

void dia_conn_end(struct dia_conn *c, bool reset, const char *why)
{
	if (c->ending && (c->reset || !reset))
		return;
	/* who may still hear its last word is one of those whose number is limited: it need not close */
	count_as_named(c, reset);
	c->ending = true;
	c->id = NULL;
	c->reset = reset;
	c->why = why;
	dia_stream_pause(&c->s);
	if (!reset)
		dia_stream_shut(&c->s);
	if (reset || c->s.ended || c->s.connecting)
		dia_loop_timer(c->hub->loop, &c->timer, 0);
	else
		dia_loop_timer(c->hub->loop, &c->timer, dia_stream_unsent(&c->s) ? END_MS : CLOSE_MS);
}

/* What comes. */

static void refuse_cer(struct dia_conn *c, struct span cer, const struct dia_fault *f, const char *words)
{
	struct dia_caps us = dia_conn_caps(c);
	struct writer w;

	if (dia_stream_room(&c->s, &w, DIA_CONN_BASE_ROOM + DIA_FAILED_MAX))
		dia_stream_commit(&c->s, dia_base_cea_put(&w, cer, &us, f, words));
}

static void refuse(struct dia_conn *c, struct span cer, const char *name, const struct dia_refusal *no)
{
	char text[DIA_REFUSAL_TEXT];

	dia_refusal_text(text, c, name, no);
	dia_hub_tell(c->hub, no->ev, name, text + strlen(name) + 1);
	c->fault = (struct dia_fault){ .code = no->code };
	refuse_cer(c, cer, &c->fault, text);
	dia_conn_end(c, false, no->words);
}

/* The first message of who came to us. */
static void on_cer(struct dia_conn *c, struct span msg, const struct dia_hdr *hdr)
{
	const struct dia_refusal *no;
	struct dia_identity *id;
	struct dia_caps caps;
	char from[SOCKADDR_TEXT];

	sockaddr_host_text(from, &c->from);
	if (!(hdr->flags & DIA_CMD_R) || hdr->command != DIA_CMD_CAPABILITIES || hdr->app != DIA_APP_BASE) {
		dia_hub_tell(c->hub, DIA_HUB_PROTOCOL, from, "the first message is no CER");
		dia_conn_end(c, true, "no CER");
		return;
	}
	memcpy(c->cer, msg.p, sizeof(c->cer));
	if (dia_base_cer_get(&caps, msg, &c->fault) < 0) {
		dia_hub_tell(c->hub, DIA_HUB_PROTOCOL, from, "its CER has a fault");
		refuse_cer(c, msg, &c->fault, NULL);
		dia_conn_end(c, false, "its CER has a fault");
		return;
	}
	if (!c->moved && dia_move_begin(c, caps.host, msg))
		return;
	no = dia_refusal_of(c, &caps);
	id = no ? NULL : dia_identity_get(c->hub, caps.host);
	if (id)
		dia_identity_cer(c, id, &caps);
	else
		refuse(c, msg, caps.host, no ? no : &dia_refusal_no_room);
}

/* What it says of our CER; its own words are cut, and text of the peer's. */
static void cea_words(char *out, size_t cap, uint32_t code, struct span msg)
{
	struct dia_avp a = { .data = { .len = 0 } };

	dia_wire_find(&a, dia_wire_avps(msg), AVP_ERROR_MESSAGE);
	snprintf(out, cap, "it answers our CER with %u%s%.*s", (unsigned)code, a.data.len ? ": " : "",
		 (int)(a.data.len < 180 ? a.data.len : 180), a.data.len ? (const char *)a.data.p : "");
}

static void on_cea(struct dia_conn *c, struct span msg)
{
	struct dia_caps caps;
	uint32_t code = 0;
	char text[256] = "its CEA cannot be read";
	bool good;

	if (dia_base_cea_get(&caps, &code, msg) == 0) {
		good = code / 1000 == 2 && dia_dict_identity_cmp(span_str(caps.host), span_str(c->id->name)) == 0;
		if (good && dia_base_common(&c->hub->caps, &caps) && (!c->tls_follows || caps.tls)) {
			dia_figures_apps(c->id, &caps);
			dia_identity_happens(c, c->tls_follows ? DIA_ON_CEA_TLS : DIA_ON_CEA_OK,
					     caps.has_state ? caps.state : 0);
			return;
		}
		if (code / 1000 != 2)
			cea_words(text, sizeof(text), code, msg);
		else if (!good)
			snprintf(text, sizeof(text), "its CEA has another Origin-Host");
		else if (c->tls_follows && !caps.tls)
			snprintf(text, sizeof(text), "its CEA offers no TLS");
		else
			snprintf(text, sizeof(text), "its CEA offers none of our applications (%u)",
				 (unsigned)c->hub->caps.apps[0]);
	}
	if (code != DIA_ELECTION_LOST)
		dia_hub_tell(c->hub, DIA_HUB_REFUSED, c->id->name, text);
	dia_identity_happens(c, DIA_ON_CEA_BAD, code);
}

/* DWR and DPR. One that cannot be read is answered with its fault and else is what it says it is. */
static void on_word(struct dia_conn *c, struct span msg, const struct dia_grammar *g, enum dia_on on)
{
	struct dia_word word = { .cause = DIA_REBOOTING };

	c->fault = (struct dia_fault){ 0 };
	if (dia_base_word_get(&word, msg, g, &c->fault) < 0)
		dia_hub_tell(c->hub, DIA_HUB_PROTOCOL, c->id->name,
			     on == DIA_ON_DWR ? "its DWR has a fault" : "its DPR has a fault");
	dia_identity_happens(c, on, on == DIA_ON_DPR ? word.cause : 0);
}

static void on_base(struct dia_conn *c, struct span msg, const struct dia_hdr *hdr)
{
	bool request = hdr->flags & DIA_CMD_R;

	switch (hdr->command) {
	case DIA_CMD_CAPABILITIES:
		if (request)
			dia_identity_happens(c, DIA_ON_CER, 0);
		else
			on_cea(c, msg);
		return;
	case DIA_CMD_WATCHDOG:
		if (request)
			on_word(c, msg, &dia_base_dwr, DIA_ON_DWR);
		else
			dia_identity_happens(c, DIA_ON_DWA, hdr->hop_by_hop);
		return;
	case DIA_CMD_DISCONNECT:
		if (request)
			on_word(c, msg, &dia_base_dpr, DIA_ON_DPR);
		else
			dia_identity_happens(c, DIA_ON_DPA, 0);
		return;
	default:
		dia_identity_happens(c, request ? DIA_ON_REQUEST : DIA_ON_ANSWER, 0);
	}
}

static void conn_on_message(struct dia_stream *s, struct span msg)
{
	struct dia_conn *c = (struct dia_conn *)s;
	struct dia_hdr hdr;

	dia_wire_hdr(&hdr, msg.p);
	c->msg = msg;
	if (!c->id)
		on_cer(c, msg, &hdr);
	else if (hdr.app == DIA_APP_BASE)
		on_base(c, msg, &hdr);
	else
		dia_identity_happens(c, hdr.flags & DIA_CMD_R ? DIA_ON_REQUEST : DIA_ON_ANSWER, 0);
	c->msg = span_of(NULL, 0);
}

/* The machine is told in the next turn: it may be the one that runs now. */
void dia_conn_fail(struct dia_conn *c, int rc)
{
	if (c->ending)
		return;
	c->failed = rc;
	c->why = strerror(-rc);
	dia_loop_timer(c->hub->loop, &c->timer, 0);
}

void dia_conn_no_room(struct dia_conn *c)
{
	bool unread = dia_stream_unsent(&c->s) > DIA_BUFFER_SMALL; /* what it lets wait is given up with it */

	dia_conn_fail(c, unread ? -ENOBUFS : -ENOMEM);
	c->why = unread ? "it does not read" : "no memory for what it waits for";
}

/* Is the certificate its? */
static bool is_certified(struct dia_conn *c)
{
	struct dia_hub_security s = dia_secure_of(c, c->id->name);
	const struct dia_refusal *no = dia_refusal_of_certificate(c, c->id->name, &s);
	struct dia_hub_peer_figures f;
	char text[sizeof(f.names) + sizeof(f.key) + 64];

	if (!no)
		return true;
	c->why = no->ev == DIA_HUB_KEY ? "its certificate has another public key" : "its certificate does not name it";
	dia_secure_figures(c, &f);
	snprintf(text, sizeof(text), "%s, but: %s", c->why, no->ev == DIA_HUB_KEY ? f.key : f.names);
	dia_hub_tell(c->hub, no->ev, c->id->name, text);
	return false;
}

static void conn_on_connected(struct dia_stream *s, int rc)
{
	struct dia_conn *c = (struct dia_conn *)s;

	if (rc < 0)
		c->why = strerror(-rc);
	if (!c->id) /* its certificate is looked at when its CER is there */
		return;
	if (rc == 0 && dia_secure_ssl(c) && !is_certified(c))
		rc = -EPERM;
	dia_identity_happens(c, rc < 0 ? DIA_ON_FAIL : DIA_ON_UP, 0);
}

static const char *words_of_end(const struct dia_conn *c, enum dia_stream_end why, int detail)
{
	static const char *const words[] = {
		[DIA_STREAM_CLOSED] = "it has closed the connection",
		[DIA_STREAM_FRAME] = "what it sends is no message",
		[DIA_STREAM_UNREAD] = "it does not read",
		[DIA_STREAM_MEMORY] = "no memory",
		[DIA_STREAM_EARLY] = "octets came where TLS was to begin",
	};

	if (why == DIA_STREAM_WAY)
		return c->s.way->ops->why(c->s.way);
	return detail ? strerror(detail) : words[why];
}

static enum dia_hub_event event_of_end(const struct dia_conn *c, enum dia_stream_end why)
{
	SSL *ssl = dia_secure_ssl(c);

	if (why == DIA_STREAM_FRAME)
		return DIA_HUB_PROTOCOL;
	return ssl && SSL_get_verify_result(ssl) == X509_V_ERR_HOSTNAME_MISMATCH ? DIA_HUB_CERTIFICATE : DIA_HUB_TLS;
}

static void conn_on_end(struct dia_stream *s, enum dia_stream_end why, int detail, struct span head)
{
	static const enum dia_on events[] = {
		[DIA_STREAM_CLOSED] = DIA_ON_FAIL,    [DIA_STREAM_FRAME] = DIA_ON_FRAME,
		[DIA_STREAM_UNREAD] = DIA_ON_STALLED, [DIA_STREAM_MEMORY] = DIA_ON_STALLED,
		[DIA_STREAM_WAY] = DIA_ON_FAIL,       [DIA_STREAM_EARLY] = DIA_ON_FAIL,
	};
	struct dia_conn *c = (struct dia_conn *)s;
	bool tls = why == DIA_STREAM_WAY || why == DIA_STREAM_EARLY;
	char from[SOCKADDR_TEXT];

	if (c->ending) {
		dia_loop_timer(c->hub->loop, &c->timer, 0);
		return;
	}
	if (!c->why || tls) /* a DPR has said more */
		c->why = words_of_end(c, why, detail);
	if (why == DIA_STREAM_FRAME || tls) {
		sockaddr_text(from, &c->from);
		dia_hub_tell(c->hub, event_of_end(c, why), c->id ? c->id->name : from, c->why);
	}
	c->msg = head;
	if (c->id)
		dia_identity_happens(c, events[why], 0);
	else
		dia_conn_end(c, why != DIA_STREAM_WAY, c->why); /* an alert of ours is on its way */
	c->msg = span_of(NULL, 0);
}

struct dia_conn *dia_conn_new(struct dia_hub *h, int fd, bool connecting, const struct sockaddr_storage *from)
{
	static const struct dia_stream_ops ops = { .on_connected = conn_on_connected,
						   .on_message = conn_on_message,
						   .on_end = conn_on_end };
	struct dia_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->hub = h;
	c->from = *from;
	c->timer.on_time = conn_on_time;
	if (dia_stream_init(&c->s, h->loop, fd, connecting, DIA_FRAME_UNKNOWN, &ops) < 0) {
		free(c);
		return NULL;
	}
	c->named = connecting;
	c->host = dia_door_host(h->door, from);
	conn_list_add(c);
	return c;
}
