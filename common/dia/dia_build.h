/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_build.h
 *  What all requests and all answers of an application have in common, and the two classes of answers: those of the command's
 *  grammar, and the answer-message of RFC 6733 7.2 for protocol errors, which has no AVP of the application. Pure. */
#pragma once

#include "common/dia/dia_check.h"

/*! Who we are; lent. */
struct dia_self {
	const char *host, *realm;
};

/*! Where a request goes and how its answer is known; lent. */
struct dia_address {
	const struct dia_self *self;
	const char *session_id, *realm;
	const char *host; /* NULL: no Destination-Host */
	uint32_t hop_by_hop, end_to_end;
	bool repeated; /* T: it may have arrived before (RFC 6733 3) */
};

/*! Begin a request: header, Session-Id, Vendor-Specific-Application-Id, Auth-Session-State if the grammar requires it,
 *  origin and destination. End it by dia_wire_end(). */
void dia_build_request(struct writer *w, const struct dia_grammar *g, const struct dia_address *to);

/*! Begin the answer: Session-Id first if there was one (6.2), then application, result, origin.
 *  \param[in] request its octets, or what dia_build_keep() kept of them
 *  \returns true: the AVPs of the command may follow; false: it is a protocol error (3xxx), nothing may */
bool dia_build_answer(struct writer *w, struct span request, const struct dia_self *self, const struct result *r);

/*! End it: Failed-AVP if f has one, every Proxy-Info of the request in its order, the length.
 *  \param[in] f NULL: no fault. \returns octets; -ENOSPC */
int dia_build_answer_end(struct writer *w, struct span request, const struct dia_fault *f);

/*! The answer to a request that is not readable or not for us. \returns octets; -ENOSPC */
int dia_build_refusal(struct writer *w, struct span request, const struct dia_self *self, const struct dia_fault *f);

/*! What an answer that comes later needs of its request: header, Session-Id, User-Name, every Proxy-Info; itself in the form
 *  of a message. \returns octets; -ENOSPC */
int dia_build_keep(struct writer *w, struct span request);

/*! What an answer says: Result-Code or Experimental-Result; of both, which is against the grammar, the one that is no success.
 *  \param[in] answer checked */
void dia_build_result(struct result *out, struct span answer);
