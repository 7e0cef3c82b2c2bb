/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file policy.h
 *  Who is connected to us, whom we ask on Zh and who may ask what on Zn: immutable once published, swapped whole while running (doc/design.md,
 *  "Threads"). A peer is a connection; a NAF is a name, that comes over one. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include "bsf/policy/hss.h"
#include "bsf/policy/naf.h"
#include "bsf/policy/names.h"
#include "bsf/policy/nets.h"
#include "common/base/sockaddr.h"
#include "common/gba/impi.h"
#include "common/http/auth_hdr.h"
#include "common/rt/name_table.h"

struct naf_dir; /* policy/naf_dir.h */

#define POLICY_ANY "any" /* in the place of an address */

/*! One "peer NAME" node of the configuration, or what an hss or naf node says of its own connection. */
struct policy_peer {
	char *identity;
	struct sockaddr_net *nets; /* where it may come from; none: nowhere */
	size_t n_nets;
	bool dial; /* we connect to it */
	struct sockaddr_storage connect;
	bool may_connect;          /* it may come to us from that address, too */
	uint32_t connections;      /* at a time */
	uint8_t how;               /* enum dia_hub_protection: nothing is decided by it here */
	struct names tls_names;    /* its certificate may have; none: its identity */
	struct names tls_keys;     /* and be for one of these public keys, as dia_cert_key() writes them; none: each */
	bool tls_cn;               /* CN counts where that has no dNSName */
	bool asked;                /* an HSS is behind it: its answers are as long as a GUSS */
	struct name_table *relays; /* names in Route-Records of what comes from it that are no NAF's */
};

#define POLICY_PROBLEMS_MAX 1000
#define POLICY_FORMS_MAX    32
#define POLICY_TOKEN_MAX    64 /* characters of a product token */

/*! "digest-form IMPI TOKEN FORM": a form of Digest that no text of GBA names, for one subscriber's device. */
struct policy_form {
	char impi[IMPI_MAX + 1], token[POLICY_TOKEN_MAX + 1];
	struct digest_alg alg;
};

struct policy {
	struct policy_form forms[POLICY_FORMS_MAX];
	size_t n_forms;
	struct name_table *suspended; /* IMPIs that get nothing, as impi_key() has them. NULL: none */
	struct naf_policy *nafs;
	size_t n_nafs;
	struct policy_peer *peers;
	size_t n_peers;
	struct naf_dir *dir; /* held; NULL: no policy directory */
	bool tls;            /* a certificate of ours is there, for connections that need one */
	const char *(*taken_by)(
		const char *identity); /* what else of the configuration has this name, in words; NULL: nothing */
	struct name_table *by_identity, *peer_by_identity, *claims;
	struct naf_policy **refusals; /* in the place of NAFs whose file cannot be used beside the others */
	size_t n_refusals;
	struct names problems; /* of the directory, for people: the first POLICY_PROBLEMS_MAX */
	size_t n_problems;     /* all */
	struct hss **hss;      /* whom we ask for vectors; a holder each */
	size_t n_hss;
	struct nets *nets; /* of all peers that may come to us */
};

/*! Make what the look-ups look into; when all nafs and peers are there. \returns 0; -ENOMEM */
int policy_index(struct policy *p);

/*! One peer more, for naf_index(). Lent. \returns 0; -ENOMEM */
int policy_index_peer(struct policy *p, struct policy_peer *peer);
/*! naf_index.c, of policy_index(). Who speaks for what, with the files of the directory; what of these does not go together.
 *  \returns 0; -ENOMEM */
int naf_index(struct policy *p);
/*! The rest of policy_free(). */
void naf_index_clear(struct policy *p);
/*! Is this name, which n speaks for, another's too, by itself or by a wildcard? Only names of the configuration may be several NAFs'.
 *  Pure. */
bool policy_twice(const struct policy *p, const char *fqdn);
/*! Who speaks for exactly this, a host name or a wildcard? \param[out] several more than one, of which each or none is served
 *  \returns NULL: nobody, or several */
const struct naf_policy *policy_claimed(const struct policy *p, const char *name, bool *several);
/*! \returns the NAF of that name, over whatever peer; NULL */
const struct naf_policy *policy_naf(const struct policy *p, struct span identity);

/*! Frees what is in it. */
void policy_peer_clear(struct policy_peer *p);
/*! Deep, but for its relays, of which there are none. out is clear on error. \returns 0; -ENOMEM */
int policy_peer_copy(struct policy_peer *out, const struct policy_peer *p);
/*! One more range that it may come from. \param[in] text as sockaddr_net_parse() has it, or POLICY_ANY, which is two
 *  \returns 0; -EINVAL; -ENOMEM */
int policy_peer_add_net(struct policy_peer *p, const char *text);

/*! \returns entry or NULL; no case */
const struct policy_peer *policy_peer(const struct policy *p, const char *identity);
bool policy_net_match(const struct policy_peer *n, const struct sockaddr *from);
/*! May this identity connect to us from this address? \returns 0; -ENOENT unknown; -EPERM other address */
int policy_admit(const struct policy *p, const char *identity, const struct sockaddr *from);
/*! May anybody come from there at all? */
bool policy_comes_from(const struct policy *p, const struct sockaddr *from);
/*! fqdn comes from a peer: what is no DNS name is nobody's, under whatever wildcard. */
bool policy_speaks_for(const struct naf_policy *n, const char *fqdn);

/*! Pure. \param[in] user_agent absent: no form is for it \returns AKAv1-MD5 where nothing else is written for both */
struct digest_alg policy_form(const struct policy *p, const char *impi, struct span user_agent);

/*! Pure. \returns true: this subscriber gets nothing until it is resumed */
bool policy_suspended(const struct policy *p, const char *impi);

/*! Who is it that asks? */
enum policy_who {
	POLICY_KNOWN,
	POLICY_NOBODY, /* no NAF of that name comes over this peer */
	POLICY_LIAR,   /* Origin-Host is not what the peer says of where it has the request from */
};

/*! A relay appends to a request the name of who handed it over; what stands before is the sender's own text. So who asks is the
 *  last Route-Record that is no relay of this peer; none: the peer itself. Origin-Host must be the same name. A Zn-Proxy answers
 *  for the names it uses, but not for those that have a policy of their own over the same peer.
 *  Pure.
 *  \param[out] naf   whose policy holds; NULL if not known
 *  \param[in] peer   identity of the connection
 *  \param[in] routes the Route-Records, in their order \param[in] cut more stood before them, which were not kept */
enum policy_who policy_who(const struct naf_policy **naf, const struct policy *p, const char *peer,
			   struct span origin_host, const struct span *routes, size_t n_routes, bool cut);
/*! Who vouches for who asks? */
enum policy_vouch {
	POLICY_AT_HOME, /* it is in our own network, nobody needs to */
	POLICY_BY_CERTIFICATE, /* the Zn-Proxy of its network, as far as the certificate of its connection goes (33.220 annex E) */
	POLICY_NOT_VOUCHED, /* it is in another network, and the connection is no Zn-Proxy's of that */
};

/*! Pure. \param[in] naf whose policy holds; NULL: what holds for the peer itself */
enum policy_vouch policy_vouch(const struct policy *p, const char *peer, const struct naf_policy *naf);
/*! The NAF of that name, if it comes over this peer, or if it is refused. \returns NULL: it does not, or not any more */
const struct naf_policy *policy_naf_over(const struct policy *p, const char *peer, struct span name);

/*! The published policy; any thread. Valid until the caller's thread has passed its loop once. */
const struct policy *policy_current(void);

#define POLICY_READERS_MAX 64
/*! So many threads read it, and tell of each pass of their loop: then a former policy lives for two passes of each, else for a minute.
 *  Main thread, before they run, and with 0 when they have ended. */
void policy_readers(unsigned n);
/*! Reader no is between two passes of its loop, and holds none. */
void policy_reader_passed(unsigned no);
/*! Main thread: free the former ones that nobody can hold any more. \returns true: there is still one */
bool policy_sweep(void);
/*! Main thread: publish p (a tree of malloc'ed objects, owned from now on). The former one is freed at a later call, at
 *  policy_sweep() or later publication, when no callback or loop round can still hold it.
 *  \param[in] p NULL at exit, when no other thread runs: frees all */
void policy_publish(struct policy *p);
/*! Free a policy that was never published; p may be NULL. */
void policy_free(struct policy *p);
