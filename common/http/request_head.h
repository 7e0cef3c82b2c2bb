/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file request_head.h
 *  The header of a request, octet by octet, for servers on libmicrohttpd, which takes more than RFC 9112 allows: names with
 *  blanks, lines that are continued, bare CR. A proxy in front may read such a header otherwise, and then one request is two. */
#pragma once

#include "common/base/bytes.h"

/*! What the lines say. Spans are lent; absent: p NULL; of a name that comes twice the last. */
struct request_head {
	struct span host, authorization, user_agent, length;
	unsigned n_authorization;
	unsigned seen; /* fields.h; Authorization is not in it, who reads it says what two of them are */
	bool folded;   /* Authorization in several lines */
	bool http10;
};

/*! Read a header as libmicrohttpd 0.9.75 leaves it in its memory when it calls the request handler first: CR and LF of each
 *  line and the colon behind each name are NUL; the name of a line that was continued is NUL as a whole, since the library
 *  moves it away. Only Authorization may be continued (RFC 9112 5.2 lets a server refuse; TS 24.109 folds it in its examples):
 *  a continued line is taken for it if its name is as long, and the line ends inside are put back.
 *  Pure but for that. Names are tokens right before the colon (5.1), values without control characters, each line ends with
 *  CR LF (2.2: bare LF may be refused).
 *  \param[out] out  written in full on success, untouched on error
 *  \param[in,out] buf  from the version of the request line ("HTTP/1.1") to the empty line, both included
 *  \param[in] len   octets in buf
 *  \returns 0; -EBADMSG not as RFC 9112 wants it */
int request_head_read(struct request_head *out, uint8_t *buf, size_t len);

/*! Does the request have one host, and is it sure where its body ends (RFC 9112 3.2, 6.3)? As fields.h says; a coding in
 *  HTTP/1.0 has no meaning (6.1), and a host holds no list, user or path.
 *  \returns false: answer 400 and read nothing more of the connection */
bool request_head_framed(const struct request_head *h);
