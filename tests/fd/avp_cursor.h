/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file avp_cursor.h
 *  Walk the AVPs of a message and put new ones in, without trusting that the library filled in a value.
 *  Puts are sticky: after the first failure an avp_writer does nothing and keeps the error. */
#pragma once

#include <stdbool.h>
#include <time.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "common/base/bytes.h"
#include "common/base/secret.h"

/*! One AVP on the way through its siblings. */
struct avp_cursor {
	struct avp *avp;
	struct avp_hdr *hdr;
};

/*! \param[in] parent message or grouped AVP. \returns false: no AVP there */
bool avp_first(struct avp_cursor *c, msg_or_avp *parent);
bool avp_next(struct avp_cursor *c);

/*! First AVP of this code and vendor (0: none) on the level of parent. */
bool avp_find(struct avp_cursor *c, msg_or_avp *parent, uint32_t code, uint32_t vendor);

static inline bool avp_is(const struct avp_cursor *c, uint32_t code, uint32_t vendor)
{
	return c->hdr->avp_code == code && c->hdr->avp_vendor == vendor;
}

/*! Octets of an OctetString, lent by the message. \returns 0; -EBADMSG no value or another type */
int avp_octets(const struct avp_cursor *c, struct span *out);
/*! A key: moved out, its octets in the message are wiped. \returns 0; -EBADMSG no value, or not min..max octets */
int avp_take_secret(const struct avp_cursor *c, struct secret *out, size_t min, size_t max);
/*! Text without NUL. \returns 0; -EBADMSG; -E2BIG over cap - 1 */
int avp_str(const struct avp_cursor *c, char *out, size_t cap);
/*! Unsigned32 or Enumerated. \returns 0; -EBADMSG */
int avp_u32(const struct avp_cursor *c, uint32_t *out);
/*! Diameter Time (RFC 6733 4.3.1). \returns 0; -EBADMSG not 4 octets */
int avp_time(const struct avp_cursor *c, time_t *out);

/*! Adds AVPs at the end of a message or grouped AVP. */
struct avp_writer {
	msg_or_avp *parent;
	int rc; /* 0 or -ENOMEM */
};

void avp_put(struct avp_writer *w, struct dict_object *model, struct span octets);
void avp_put_str(struct avp_writer *w, struct dict_object *model, const char *s);
void avp_put_u32(struct avp_writer *w, struct dict_object *model, uint32_t v);
void avp_put_time(struct avp_writer *w, struct dict_object *model, time_t t);
/*! \returns writer for the inside of a new grouped AVP; hand it back to avp_group_end() */
struct avp_writer avp_group(struct avp_writer *w, struct dict_object *model);
void avp_group_end(struct avp_writer *w, const struct avp_writer *group);
