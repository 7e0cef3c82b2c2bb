/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_target.h
 *  The target of a request: segments of its path and what its query says. */
#pragma once

#include <stddef.h>

#define API_TARGET_MAX 2048 /* octets */
#define API_SEGMENTS   8
#define API_PAIRS      16

/*! Pointers are into text. */
struct api_target {
	char text[API_TARGET_MAX + 1];
	size_t n, n_pairs;
	const char *segment[API_SEGMENTS]; /* of "/" there is one, and it is empty */
	struct {
		const char *name, *value;
	} pair[API_PAIRS];
};

/*! Read the target as in the request line: origin form (RFC 9112 3.2.1), each part percent-decoded once and after it was cut
 *  out, so that %2F is no slash. A plus sign is one. Pure.
 *  \param[out] out undefined on error \param[in] raw NUL-terminated, attacker-controlled
 *  \returns 0; -EBADMSG no such form, a control character in it; -E2BIG */
int api_target_parse(struct api_target *out, const char *raw);
