/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file param_list.h
 *  The comma-separated name=value list that all Digest headers share (RFC 7235 2.1), read once. */
#pragma once

#include "common/base/bytes.h"

/*! One parameter. value without its quotes; escaped: it held a backslash, which no value we use may. */
struct param {
	struct span name, value;
	bool escaped;
};

/*! Where a value of that name goes. */
struct param_slot {
	const char *name;
	struct span *to;
};

/*! Skip blanks, tabs and folded lines. */
size_t param_skip_space(const uint8_t *buf, size_t len, size_t pos);

/*! Token characters at pos. \returns end of the token, pos if there is none */
size_t param_token_end(const uint8_t *buf, size_t len, size_t pos);

/*! Read the next parameter; empty list elements are skipped.
 *  \returns 1 and *pos behind it; 0 end of the list; -EBADMSG */
int param_next(struct param *out, const uint8_t *buf, size_t len, size_t *pos);

/*! Read the whole list from pos on into the slots; names in any case; unknown ones are ignored.
 *  \param[in] max parameters at most
 *  \returns 0; -EBADMSG syntax, a known name twice, or an escaped known value; -E2BIG over max */
int param_list_read(const uint8_t *buf, size_t len, size_t pos, const struct param_slot *slots, size_t n_slots,
		    size_t max);

/*! Writer of a list: name="value" or name=value, comma and blank between. */
struct writer;
void param_put(struct writer *w, const char *name, struct span value, bool quoted);

/*! May the value stand in a quoted string as it is? */
bool param_quotable(struct span value);
