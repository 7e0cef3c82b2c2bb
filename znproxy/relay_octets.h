/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file relay_octets.h
 *  What a proxy does to the octets of a BIR and its BIA (RFC 6733 6.1.9, 6.2.2): another hop-by-hop id, one more Route-Record in
 *  the request, and nothing else. Pure, but for one allocation. */
#pragma once

#include "common/dia/dia_build.h"
#include "common/gba/btid.h"
#include "common/gba/naf_id.h"
#include "common/rt/words.h"

/*! What is to be judged of a BIR; lent by it. */
struct relay_bir {
	struct span origin, realm, session_id, btid;
	struct span host;                   /* p NULL: no Destination-Host */
	char btid_domain[BSF_NAME_MAX + 1]; /* ""; the Transaction-Identifier is no B-TID */
	struct naf_id naf_id;
	bool gsids; /* each GAA-Service-Identifier is an allowed one */
};

/*! Read it: checked against the grammar, with one walk more.
 *  \param[in] gsids allowed ones. A GAA-Service-Identifier is one of them as text, to the octet, or as number in 4 octets: what a
 *  reader might take for one, but is none of these, is not allowed. NULL: none
 *  \returns 0; -EBADMSG and what is wrong, which octets of padding that are not zero are, too */
int relay_octets_read(struct relay_bir *out, struct span msg, const struct words *gsids, struct dia_fault *bad);
/*! The B-TID's RAND, for the log. \returns false: it is none */
bool relay_octets_rand(uint8_t out[BTID_RAND_LEN], struct span btid);

/*! A request as it goes on. */
struct relay_request {
	size_t len;
	uint8_t octets[];
};

/*! \param[in] from identity of who handed it to us
 *  \returns malloc'ed; NULL no memory (errno ENOMEM), or too long for a message (EMSGSIZE) */
struct relay_request *relay_octets_request(struct span msg, const char *from);

/*! For dia_ask(). \param[in] what struct relay_request */
int relay_octets_put_request(struct writer *w, const struct dia_address *to, const void *what);

/*! Is it an answer to this request that may be handed on: readable, of its session and end-to-end id?
 *  \param[out] result what it says, if it is */
bool relay_octets_fits(struct result *result, struct span answer, const struct relay_request *q);

/*! For dia_reply_put(). \param[in] request what the answer needs of it \param[in] answer struct span, the answer as it came */
int relay_octets_put_answer(struct writer *w, struct span request, const struct dia_self *self, const void *answer);
