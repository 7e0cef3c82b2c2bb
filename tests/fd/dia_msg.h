/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_msg.h
 *  What every request and every answer of ours has: session, application, origin, destination, result. */
#pragma once

#include "tests/fd/avp_cursor.h"
#include "common/gba/result.h"

#define DIA_SESSION_ID_MAX 320

/*! New request with Session-Id (own, never one of fd_sess), Vendor-Specific-Application-Id, Auth-Session-State if
 * state,
 *  Origin-*, Destination-Realm and, if not NULL, Destination-Host.
 *  \param[in] tag last part of the Session-Id, e.g. "zh"
 *  \returns 0 and a message the caller owns; -ENOMEM */
int dia_msg_request(struct msg **out, struct dict_object *command, uint32_t app_id, const char *tag, bool state,
		    const char *dest_realm, const char *dest_host);

/*! Turn the request in *m into its answer: Session-Id and Proxy-Info of the request, Vendor-Specific-Application-Id,
 *  result (E bit for 3xxx; Failed-AVP where r names one: the AVP of the request, or an empty one for 5005), Origin-*.
 *  \returns 0; -ENOMEM, -E2BIG, *m is then still the request */
int dia_msg_answer(struct msg **m, const struct result *r);

#define DIA_MSG_MAX 65535 /* octets: freeDiameter cuts the connection of who sends more */

/*! For the end of an encoder: never half an answer, none that costs the connection.
 *  \returns 0; w->rc, or -E2BIG: longer than DIA_MSG_MAX. *m is then the request again */
int dia_msg_answer_end(struct msg **m, const struct avp_writer *w);

/*! Is it an answer to the request that it came for? The library looks at the hop-by-hop number alone. Same command and
 *  application; same Session-Id, which only an error answer of a relay may lack (RFC 6733 7.2). Without a request, as in a
 *  test: yes. */
bool dia_msg_fits(struct msg *answer);

/*! Read Result-Code or Experimental-Result. r->code stays 0 if there is neither.
 *  \returns 0; -EBADMSG not readable or twice */
int dia_msg_result(struct result *r, struct msg *m);

/*! Is this Session-Id of a request what RFC 6733 8.8 says, text in UTF-8? */
bool dia_msg_session_ok(const struct avp_cursor *session);

/*! The Session-Id for log lines; "" if there is none or it is not printable. */
void dia_msg_session(struct msg *m, char out[DIA_SESSION_ID_MAX + 1]);

static inline uint32_t dia_msg_app(struct msg *m)
{
	struct msg_hdr *h;

	return fd_msg_hdr(m, &h) ? 0 : h->msg_appl;
}
