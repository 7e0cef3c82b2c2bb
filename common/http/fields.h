/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file fields.h
 *  The header fields of one request as they come: what no request may have, because the next program on its way could
 *  read another request, or another sender, in it (RFC 9112 clauses 2.2, 3.2, 5.1 and 6). Pure. */
#pragma once

#include "common/base/bytes.h"

/*! Bits of what was seen; 0 before the first field. */
#define FIELDS_HOST          1u
#define FIELDS_AUTHORIZATION 2u
#define FIELDS_LENGTH        4u
#define FIELDS_CODING        8u
#define FIELDS_BAD           16u /* stays: answer 400 and close */

/*! One more field. Bad are: a name that is no token; a control character but tab in a value; Host, Authorization,
 *  Content-Length or Transfer-Encoding twice; Content-Length beside Transfer-Encoding; a Content-Length that is not 1 to 18
 *  digits; a Transfer-Encoding other than chunked; a name that begins with one of these two and goes on.
 *  \param[in,out] seen bits above
 *  \returns the bit of this field; 0 for any other */
unsigned fields_note(unsigned *seen, struct span name, struct span value);
