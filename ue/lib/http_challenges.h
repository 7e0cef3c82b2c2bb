/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file http_challenges.h
 *  The challenges of a 401, however many headers they stand in. Pure. */
#pragma once

#include <stdbool.h>
#include "common/base/bytes.h"
#include "common/http/challenge_hdr.h"

/*! All Digest challenges of an answer, of one header or several; what cannot be read is stepped over. */
struct http_challenges {
	const char *lines; /* begins as www_authenticate, NULL included */
	struct span line;  /* begins empty */
};

/*! \returns false: no more. The spans of out point into the answer */
bool http_challenge_next(struct challenge_hdr *out, struct http_challenges *c);
