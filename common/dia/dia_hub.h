/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_hub.h
 *  Our Diameter node on one loop: who listens, who connects, who asks and who answers. No thread and no lock of its own; all
 *  calls on the loop's thread. Any number of them in a process. */
#pragma once

#include <netinet/in.h>
#include <openssl/types.h>
#include <sys/socket.h>
#include "common/base/err.h"
#include "common/dia/dia_base.h"
#include "common/dia/dia_door.h"
#include "common/dia/dia_local.h"
#include "common/dia/dia_loop.h"

#define DIA_HUB_LISTEN_MAX 8
#define DIA_HUB_ANSWER_MAX 65535 /* octets of an answer: what a NAF or a relay takes at most */
#define DIA_HUB_PENDING    4096  /* requests to one peer that it has not answered */

struct dia_hub;
struct dia_reply;
struct dia_way;

enum dia_hub_event {
	DIA_HUB_OPEN,     /* requests may flow. detail: address */
	DIA_HUB_LOST,     /* detail: why, in words */
	DIA_HUB_SUSPECT,  /* detail: why */
	DIA_HUB_BACK,     /* no more. detail: why */
	DIA_HUB_FLAPS,    /* of more changes only this is told, once a minute. detail: how many, and how it is now */
	DIA_HUB_UNKNOWN,  /* its CER was refused: identity not configured. detail: address */
	DIA_HUB_ADDRESS,  /* closed without a word: not from there. detail: address */
	DIA_HUB_STRANGER, /* closed at once: nobody may come from there. peer: the address */
	DIA_HUB_ROLE,     /* its CER was refused: we connect to it, it may not to us. detail: address */
	DIA_HUB_IN_USE,   /* its CER was refused: the identity is connected and alive. detail: address */
	DIA_HUB_REFUSED,  /* its CER was refused for lack of memory, or it refuses ours. detail: why */
	DIA_HUB_TLS,      /* no TLS came to be. detail: why */
	DIA_HUB_CERTIFICATE, /* its certificate is another's: its CER was refused, or we went. detail: which names it has */
	DIA_HUB_KEY, /* the public key of its certificate is none of those it may have: the same. detail: which one it has */
	DIA_HUB_EXPIRES, /* its certificate ends soon: told when it connects and daily; or has: it goes. detail: words */
	DIA_HUB_PROTOCOL, /* a message that cannot be read or is not for us. detail: what */
	DIA_HUB_REALM,    /* a request for another realm or host: 3003, 3002. detail: which code */
	DIA_HUB_STRAY,    /* an answer to nothing we asked, or one that came late. detail: empty */
	DIA_HUB_MISROUTED, /* a request of an application in which we only ask: a relay lacks rules. detail: words the first
			      time of a peer, then empty */
};

/*! A connection on its way from the hub that has accepted it to that of its peer. */
struct dia_hub_arrival {
	int fd;
	struct dia_way *way; /* dia_way.h: has begun */
	struct sockaddr_storage from;
	struct span octets; /* CER and what came behind it; lent */
};

/*! A request of the grammar it was registered for; its AVPs are not checked yet (the codec's get does). It ends in exactly one
 *  dia_reply_put(), dia_reply_refuse(), dia_reply_drop(), or dia_reply_keep() and then one of them later. */
typedef void dia_hub_request_fn(void *owner, struct dia_reply *r);

struct dia_hub_service {
	const struct dia_grammar *grammar;
	dia_hub_request_fn *fn;
	void *owner;
};

struct dia_hub_limits {
	unsigned connections; /* at a time, ours among them; 1 .. DIA_CONNECTIONS_MAX; default 1 */
	size_t msg_max; /* octets of a message; default: that of the configuration, or DIA_FRAME_HSS where we connect */
};

/*! How a connection with a peer has to be protected. */
enum dia_hub_protection {
	DIA_HUB_BEYOND_LOOPBACK, /* by TLS, but on loopback not */
	DIA_HUB_PLAIN,           /* not; one that comes with TLS is fine, too */
	DIA_HUB_BY_TLS,          /* before the first message */
	DIA_HUB_TLS_AFTER_CER,   /* Inband-Security-Id, for old peers; one that comes with TLS is fine, too */
};

struct dia_hub_security {
	enum dia_hub_protection how;
	const char *const *names; /* its certificate must have one of them; none: its identity. Lent for the call */
	size_t n_names;
	bool cn; /* the subject's CN counts where the certificate has no dNSName */
	const char *const *
		keys; /* dia_cert_key() of it is one of these, too, and there is no connection without TLS; none: each */
	size_t n_keys;
};

struct dia_hub_callbacks {
	/*! A peer's state has changed, or something of it was refused; must not call the hub. peer: identity, or the address
	 *  where there is none yet */
	void (*event)(void *owner, enum dia_hub_event ev, const char *peer, const char *detail);
	/*! Requests may be sent to it from here on, or no more. As event(). NULL: nobody asks it anything */
	void (*ready)(void *owner, const char *peer, bool ready);
	/*! May anybody connect to us from this address? Asked before anything is read. NULL: yes */
	bool (*comes_from)(void *owner, const struct sockaddr *from);
	/*! May this identity connect to us from this address? Asked also of those that we connect to. NULL: nobody may.
	 *  \returns 0; -ENOENT unknown identity; -EPERM other address */
	int (*admit)(void *owner, const char *identity, const struct sockaddr *from);
	/*! Several hubs under one identity, each on its loop: is this peer another one's? hand_over() then gets its connection
	 *  for that hub's dia_hub_take(), or dia_hub_turn_away(). NULL, NULL: there is one hub */
	bool (*elsewhere)(void *owner, const char *identity);
	void (*hand_over)(void *owner, const char *identity, const struct dia_hub_arrival *a);
	/*! What it may have; asked when it comes in. NULL, or left as it is: see there.
	 *  \param[in,out] out filled with what holds by default */
	void (*limits)(void *owner, const char *identity, struct dia_hub_limits *out);
	/*! How it is protected; asked when we connect, when its CER or certificate is there, and by dia_hub_recheck(). NULL, or
	 *  left as it is: plain.
	 *  \param[in] at where we connect to, or where it comes from */
	void (*security)(void *owner, const char *identity, const struct sockaddr *at, struct dia_hub_security *out);
	void *owner;
};

/*! Lent until dia_hub_free(), but for the addresses. */
struct dia_hub_cfg {
	struct dia_self self;
	const char *const *realms; /* that are ours: own realm, BSF names */
	size_t n_realms;
	const struct dia_hub_service *services;
	size_t n_services;
	const uint32_t *client_apps; /* advertised, only sent */
	size_t n_client_apps;
	bool agent; /* as in dia_local.h */
	struct sockaddr_storage listen[DIA_HUB_LISTEN_MAX];
	bool listen_tls[DIA_HUB_LISTEN_MAX]; /* there TLS comes before the first message; needs tls */
	size_t n_listen;
	SSL_CTX *tls;          /* of dia_cert_new(), after dia_tls_prepare(); a reference is taken. NULL: no TLS */
	struct dia_door *door; /* of all hubs that share_port; NULL: one of its own */
	bool share_port;       /* with other hubs of this user: connections are spread over all that listen */
	uint32_t state_id;     /* Origin-State-Id; 0: none is sent */
	uint32_t tc_ms, tw_ms;
	size_t msg_max; /* octets of a message of who came to us */
	struct dia_hub_callbacks cb;
};

/*! Nothing is open yet. \returns new object; NULL no memory */
struct dia_hub *dia_hub_new(struct dia_loop *l, const struct dia_hub_cfg *cfg);
/*! After dia_hub_stop() has said that it is over, or any time: then connections are cut. h may be NULL. */
void dia_hub_free(struct dia_hub *h);

/*! Other certificates for what begins from now on. \param[in] tls as in the configuration */
void dia_hub_tls(struct dia_hub *h, SSL_CTX *tls);

/*! Listen. \returns 0; -errno, nothing is open then; err: which address and why */
int dia_hub_listen(struct dia_hub *h, struct err *err);

/*! Keep a connection to this peer; again with another address: that one, what is open to the former ends.
 *  \param[in] identity 1 to 255 characters, copied. \param[in] may_connect it may come to us, too, from that address
 *  \returns 0; -ENOMEM; -EEXIST: nothing has changed */
int dia_hub_dial(struct dia_hub *h, const char *identity, const struct sockaddr_storage *addr, bool may_connect);
/*! Connect to it no more; a connection that we made is ended by the next dia_hub_recheck(). */
void dia_hub_undial(struct dia_hub *h, const char *identity);

/*! A connection that another hub of this identity has accepted; taken. */
void dia_hub_take(struct dia_hub *h, const struct dia_hub_arrival *a);
/*! Nobody takes it: closed. Any thread. */
void dia_hub_turn_away(const struct dia_hub_arrival *a);

/*! Ask cb.admit again about all who came to us; who may not any more gets a DPR, as does a peer that we do not connect to
 *  any more. */
void dia_hub_recheck(struct dia_hub *h);

/*! Send it off with a DPR, neither connect to it nor let it in until dia_hub_reconnect(). \returns 0; -ENOMEM */
int dia_hub_disconnect(struct dia_hub *h, const char *identity);
/*! End what is open with a DPR and begin anew: where we connect at once, else when it comes. \returns 0; -ENOENT nobody of that
 *  name has been here */
int dia_hub_reconnect(struct dia_hub *h, const char *identity);
/*! The same with each that is open now, one after the other: the next one when this one is back, or has been away for 3 s. */
void dia_hub_reconnect_all(struct dia_hub *h);

/*! End the connections of this peer without a DPR, when what was written is sent: for who tries what it makes of that. h may be
 *  NULL, and the peer unknown. */
void dia_hub_cut(struct dia_hub *h, const char *identity);

/*! Begin to end: no new connections, DPR to all. \param[in] done called once from a later turn, when all are closed, at
 *  the latest after 4 s; it may free the hub */
void dia_hub_stop(struct dia_hub *h, void (*done)(void *owner), void *owner);

/*! Is a connection to it open, so that requests may be sent? */
bool dia_hub_is_open(const struct dia_hub *h, const char *identity);

#define DIA_HUB_ERRORS 8
#define DIA_HUB_APPS   4

struct dia_hub_error {
	uint32_t code; /* not 2xxx; 0: unused */
	bool experimental;
	uint64_t n;
};

struct dia_hub_peer_figures {
	const char *identity;
	bool open, dialled;
	bool held_off; /* by dia_hub_disconnect() */
	unsigned connections, pending;
	char address[64];  /* of an open connection; "" */
	char tls[16];      /* version of TLS on it; "": it is plain */
	char names[160];   /* those of its certificate, cut */
	char key[72];      /* dia_cert_key() of that */
	uint64_t since_ms; /* of the monotonic clock: when it was connected or lost; 0: never yet */
	uint64_t requests_in, requests_out, answers_in, stray;
	uint64_t round_trip_us;      /* of requests, about the mean of the last ones; 0: none was answered */
	uint32_t apps[DIA_HUB_APPS]; /* in common */
	size_t n_apps;
	struct dia_hub_error errors[DIA_HUB_ERRORS]; /* of its answers and of those it got; the most frequent ones */
};
/*! Call fn for each peer that has or had a connection, or that we connect to. */
void dia_hub_figures(struct dia_hub *h, void (*fn)(void *owner, const struct dia_hub_peer_figures *f), void *owner);

/* Answers: dia_reply.c */

/*! The request: lent until the reply ends; after dia_reply_keep() what dia_build_keep() left of it. */
struct span dia_reply_request(const struct dia_reply *r);
/*! Identity of the connection it came on. */
const char *dia_reply_peer(const struct dia_reply *r);

/*! A codec's put: writes the whole answer. \returns octets; -ENOSPC */
typedef int dia_reply_fn(struct writer *w, struct span request, const struct dia_self *self, const void *answer);
/*! Is the certificate of who asks for this name (dia_cert_covers())? Found out once for each connection and name. Plain: no. */
bool dia_reply_covers(const struct dia_reply *r, const char *name);
/*! Answer. If it does not fit a message, 5012 goes instead. Ends r.
 *  \returns 0; -EMSGSIZE: 5012 was sent; -ENOTCONN: the connection has gone, or is closed because there was no memory
 *  or too much is unsent */
int dia_reply_put(struct dia_reply *r, dia_reply_fn *put, const void *answer);
/*! Answer with the fault. Ends r. \returns 0; -ENOTCONN as there */
int dia_reply_refuse(struct dia_reply *r, const struct dia_fault *f);
/*! No answer will come. Ends r. */
void dia_reply_drop(struct dia_reply *r);
/*! Answer later. \returns what takes r's place, on the heap; NULL no memory: r has been refused with 3004 */
struct dia_reply *dia_reply_keep(struct dia_reply *r);

/* Requests: dia_ask.c */

/*! The answer, or none: on the loop, exactly once, never within dia_ask() itself.
 *  \param[in] rc 0; -ETIMEDOUT; -ENOTCONN the connection was lost; -EBADMSG the answer is of another command or
 *  application. \param[in] answer if rc is 0: whole message, not checked yet; lent */
typedef void dia_ask_fn(void *owner, uint64_t txn, int rc, struct span answer);

/*! A codec's put of a request. \returns octets; -ENOSPC */
typedef int dia_ask_put_fn(struct writer *w, const struct dia_address *to, const void *what);

struct dia_target {
	const char *peer; /* identity of the connection */
	const char *realm;
	const char *host;       /* Destination-Host; NULL: none */
	const char *session_id; /* NULL: a new one, dia_ask_session_id() */
	uint32_t end_to_end;    /* of dia_ids_next(), the same for all repetitions; 0: a new one */
	bool repeated;          /* T: who was asked before has not answered */
	const struct dia_grammar *grammar;
	size_t room; /* octets the request has at most */
};

/*! \returns 0; -ENOTCONN no open connection; -EBUSY too many pending or unsent; -ENOMEM; -EMSGSIZE: done is not called then */
int dia_ask(struct dia_hub *h, const struct dia_target *to, dia_ask_put_fn *put, const void *what, uint32_t patience_ms,
	    dia_ask_fn *done, void *owner, uint64_t txn);

/*! Is the certificate that we have shown to this peer, on the connection that requests go over, for this name? Found out once for
 *  each connection and name. \returns 1; 0: it is not, or it is plain; -ENOTCONN no open connection */
int dia_ask_covers(struct dia_hub *h, const char *peer, const char *name);

#define DIA_SESSION_ID_MAX 320

/*! Makes Session-Ids nobody else makes: 64 random bits, and a counter (RFC 6733 8.8). One thread. */
struct dia_sessions {
	const char *host; /* lent */
	uint64_t hi, lo;
};
/*! \returns 0; -EIO no random numbers */
int dia_ask_sessions_init(struct dia_sessions *s, const char *host);
void dia_ask_session_id(struct dia_sessions *s, char out[DIA_SESSION_ID_MAX]);
