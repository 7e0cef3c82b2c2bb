/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_hub_in.h
 *  Inside the hub: its connections and peers. For the files named below and dia_dial.c only. */
#pragma once

#include "common/base/sockaddr.h"
#include "common/dia/dia_frame.h"
#include "common/dia/dia_hub.h"
#include "common/dia/dia_peer.h"
#include "common/dia/dia_pending.h"
#include "common/dia/dia_shakes.h"
#include "common/dia/dia_stream.h"

struct dia_identity;

/* A connection, from accept or connect until nobody refers to it any more. */
struct dia_conn {
	struct dia_stream s; /* first */
	struct dia_hub *hub;
	struct dia_identity *id; /* NULL: not known yet, or over */
	unsigned link;           /* its number in id->machine */
	struct sockaddr_storage from;
	unsigned host; /* what its address counts as at the door */
	struct dia_conn *next,
		*prev; /* all of the hub; those without a name, or not any more, have their own list, oldest first */
	struct dia_timer timer;  /* without a name: until CER; ending: until it is cut */
	struct dia_timer expiry; /* open: when to look at its certificate again */
	uint64_t warned_ms;      /* when it was said last that it ends soon; 0: never */
	bool dialled;
	bool named, opened, ending, reset, cleared;
	unsigned replies; /* kept ones: it is freed when the last has ended */
	bool tls_follows; /* CER and CEA say so */
	bool deliver;     /* to do when the machine has returned */
	bool failover;
	bool draining;            /* the machine is told when nothing is out on it */
	unsigned asked;           /* requests of ours that are out on it */
	struct dia_conn *todo;    /* next with a failover to do */
	struct span msg;          /* the one being worked off, lent */
	uint8_t cer[DIA_HDR_LEN]; /* held: its header, for the CEA */
	struct dia_fault fault;   /* why its CER is refused */
	int failed;               /* -errno: the machine is told in the next turn */
	const char *why;          /* of its end, for people */
	struct dia_move *moving;  /* on its way to another loop */
	struct dia_cover *cover;  /* NULL: nobody has asked yet */
	bool moved;               /* it comes from one */
};

/* A peer by its name. */
struct dia_identity {
	struct dia_identity *next;
	struct dia_hub *hub;
	char name[DIA_NAME_MAX + 1];
	struct dia_peer_machine *machine;
	struct dia_conn **links; /* by number; NULL: none */
	unsigned n_links;
	struct dia_conn *arriving; /* its CER is being decided, it has no number yet */
	bool dial, may_connect;
	bool renew;     /* its turn comes (dia_renew.c) */
	bool held_off;  /* the operator does not want it now */
	bool misrouted; /* it was said that it sends us what we only ask */
	bool ready;     /* what was told last */
	bool not_begun; /* a connection that the machine asked for: no memory, or no descriptor */
	struct sockaddr_storage addr;
	struct dia_timer timer; /* of the machine */
	unsigned pending;
	uint64_t since_ms, requests_in, requests_out, answers_in, stray, round_trip_us;
	uint32_t apps[DIA_HUB_APPS]; /* in common */
	size_t n_apps;
	struct dia_hub_error errors[DIA_HUB_ERRORS];
	uint64_t told_ms; /* when counting of told began */
	unsigned told, untold;
	struct dia_timer tell_later;
};

struct dia_conn_list {
	struct dia_conn *first, *last;
};

struct dia_listener {
	struct dia_fd f; /* first */
	struct dia_hub *hub;
	bool tls;
};

#define DIA_HUB_BUCKETS 256

struct dia_hub {
	struct dia_loop *loop;
	struct dia_hub_cfg cfg;
	struct dia_caps caps;
	struct dia_local local;
	const struct dia_grammar *served[8];
	struct dia_identity *identities[DIA_HUB_BUCKETS]; /* by name */
	struct dia_conn_list unnamed, named;
	struct dia_door *door;
	bool own_door;
	int place; /* at the door; < 0: none */
	struct dia_conn *todo;
	struct dia_listener listeners[DIA_HUB_LISTEN_MAX];
	size_t n_listening;
	int spare_fd; /* given up to take and close a connection when there is no descriptor */
	struct dia_timer accept_again;
	struct dia_pending *pending;
	struct dia_shakes shakes;
	struct dia_sessions sessions;
	bool stopping;
	struct dia_timer renewal; /* of dia_hub_reconnect_all() */
	const char *renewing;     /* who is away for it; NULL: nobody */
	uint64_t renew_until_ms;
	struct dia_timer stopped;
	void (*on_stopped)(void *owner);
	void *stopped_owner;
};

/* dia_hub.c */
uint64_t dia_hub_now(const struct dia_hub *h);
void dia_hub_tell(struct dia_hub *h, enum dia_hub_event ev, const char *peer, const char *detail);
uint32_t dia_hub_next_id(struct dia_hub *h);
/* A connection has gone. */
void dia_hub_cleared(struct dia_hub *h);

/* dia_identity.c */
/* \returns NULL: none */
struct dia_identity *dia_identity_find(const struct dia_hub *h, const char *name);
/* One more. \returns NULL: no memory */
struct dia_identity *dia_identity_new(struct dia_hub *h, const char *name, bool dials);
/* One for who comes to us. \returns NULL: no memory */
struct dia_identity *dia_identity_get(struct dia_hub *h, const char *name);
/* It has no connection any more, and is in no list. */
void dia_identity_free(struct dia_identity *id);
/* May requests go to it? */
bool dia_identity_is_ready(const struct dia_identity *id);
/* After the machine was called: what it asked for but could not have done under its hands, and its timer. */
void dia_identity_settle(struct dia_identity *id);
/* Why its connections end, where nobody has said it yet. */
void dia_identity_say_why(struct dia_identity *id, const char *why);
/* Something happened on a connection that has a name; all that follows from it is done. */
void dia_identity_happens(struct dia_conn *c, enum dia_on on, uint32_t arg);
/* A CER was admitted. */
void dia_identity_cer(struct dia_conn *c, struct dia_identity *id, const struct dia_caps *caps);

/* dia_conn.c */
struct dia_conn *dia_conn_new(struct dia_hub *h, int fd, bool connecting, const struct sockaddr_storage *from);
/* Out of the lists, socket closed; freed unless answers are still kept. */
void dia_conn_clear(struct dia_conn *c);
/* End it: at once, or when all is sent and the other side has closed; the second may become the first. Comes back before it
 * is cleared. */
void dia_conn_end(struct dia_conn *c, bool reset, const char *why);
/* One request less is out on it. */
void dia_conn_asked_less(struct dia_conn *c);
/* Its machine wants to know when none is; it is told in the next turn, or later. */
void dia_conn_drain(struct dia_conn *c);
/* There is no room for what the other side waits for: it is closed, so that it asks elsewhere or again. */
void dia_conn_no_room(struct dia_conn *c);
/* It cannot go on; its machine is told in the next turn. rc -errno */
void dia_conn_fail(struct dia_conn *c, int rc);
/* It is one of those with a name from here on. */
void dia_conn_name(struct dia_conn *c);
void dia_conn_free_if_unused(struct dia_conn *c);

/* dia_conn_out.c */
#define DIA_CONN_BASE_ROOM 1024 /* octets of a message of the base protocol; with Failed-AVP DIA_FAILED_MAX more */
/* Who we are on this connection: Host-IP-Address is the one it has here. */
struct dia_caps dia_conn_caps(const struct dia_conn *c);
/* An action of the machine. */
void dia_conn_act(struct dia_conn *c, unsigned act, uint32_t arg);

/* dia_refusal.c */
struct dia_refusal {
	enum dia_hub_event ev;
	uint32_t code;
	const char *words;
};
extern const struct dia_refusal dia_refusal_in_use, dia_refusal_no_room;
/* May one of this name be there? \returns NULL: yes */
const struct dia_refusal *dia_refusal_of_name(const struct dia_conn *c, const char *name);
/* And with these capabilities? \returns NULL: yes */
const struct dia_refusal *dia_refusal_of(struct dia_conn *c, const struct dia_caps *caps);

/* What stands against its certificate under this name? \returns NULL: nothing */
const struct dia_refusal *dia_refusal_of_certificate(const struct dia_conn *c, const char *name,
						     const struct dia_hub_security *s);
#define DIA_REFUSAL_TEXT (DIA_NAME_MAX + SOCKADDR_TEXT + 240)
/* "NAME from ADDRESS: words"; the log has the name in a field of its own. */
void dia_refusal_text(char out[DIA_REFUSAL_TEXT], const struct dia_conn *c, const char *name,
		      const struct dia_refusal *no);

/* dia_secure.c */
/* What is asked of this identity's connections. */
struct dia_hub_security dia_secure_of(const struct dia_conn *c, const char *name);
/* TLS begins: we call, or it has called us. It fails in the next turn where it cannot. */
void dia_secure_begin(struct dia_conn *c);
/* \returns NULL: it is plain */
SSL *dia_secure_ssl(const struct dia_conn *c);
/* Has its certificate one of the names? Plain: no. */
bool dia_secure_is_of(const struct dia_conn *c, const char *name, const struct dia_hub_security *s);
/* Has its certificate one of the keys, if any are wanted? Plain: no. */
bool dia_secure_has_key(const struct dia_conn *c, const struct dia_hub_security *s);
/* Is an open one as it has to be now? */
bool dia_secure_holds(const struct dia_conn *c);
/* It is open: from here on until when it is certified is watched. */
void dia_secure_watch(struct dia_conn *c);
/* Is the certificate of the other side, or our own, for this name? Plain: no. */
bool dia_secure_covers(struct dia_conn *c, bool own, const char *name);
void dia_secure_figures(const struct dia_conn *c, struct dia_hub_peer_figures *f);

/* dia_listen.c */
int dia_listen_open(struct dia_hub *h, struct err *err);
void dia_listen_close(struct dia_hub *h);
/* Too many are there without a name: end what is here of them, oldest first. owner: the hub */
void dia_listen_give(void *owner);
/* A socket that connects; *rc -errno if it failed at once. \returns -1: there is none */
int dia_listen_connect(const struct sockaddr_storage *to, int *rc);

/* A connection without a name yet; NULL: no memory, fd is still the caller's. */
struct dia_conn *dia_listen_named(struct dia_hub *h, int fd, const struct sockaddr_storage *from);

/* dia_move.c */
/* \returns true: its CER is another loop's, it goes there (or ends) */
bool dia_move_begin(struct dia_conn *c, const char *name, struct span cer);
void dia_move_end(struct dia_conn *c);

/* dia_reply.c: a request is there */
void dia_reply_serve(struct dia_conn *c, struct span msg);

/* dia_ask.c */
void dia_ask_answered(struct dia_conn *c, struct span msg);
void dia_ask_lost(struct dia_conn *c);

/* dia_figures.c */
/* An answer went either way; id may be NULL. */
void dia_figures_answer(struct dia_identity *id, struct span answer);
void dia_figures_round_trip(struct dia_identity *id, uint64_t us);
/* What its CER or CEA says. */
void dia_figures_apps(struct dia_identity *id, const struct dia_caps *peer);
/* Its state has changed: told, but for one that does nothing else. */
void dia_figures_change(struct dia_identity *id, enum dia_hub_event ev, const char *detail);
