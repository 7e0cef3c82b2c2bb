/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/http/challenge_hdr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All of a header: each lies in the rest it was taken from, and each step goes on. */
static void all(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size);
	struct challenge_hdr h;

	while (rest.len) {
		struct span before = rest;

		if (challenge_hdr_next(&h, &rest) == 0)
			challenge_hdr_assert_inside(&h, before.p, before.len);
		if (rest.len >= before.len || rest.p + rest.len > data + size)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct challenge_hdr h, again;
	char text[2 * CHALLENGE_HDR_MAX];
	int n;

	all(data, size);
	if (challenge_hdr_parse(&h, data, size) < 0)
		return 0;
	challenge_hdr_assert_inside(&h, data, size);
	challenge_offers_qop(h.qop, "auth-int");
	n = challenge_hdr_format(text, sizeof(text), &h);
	if (n < 0 || n > CHALLENGE_HDR_MAX)
		return 0; /* a value that only our strict form refuses */
	if (challenge_hdr_parse(&again, (const uint8_t *)text, (size_t)n) < 0 || !span_eq(h.nonce, again.nonce) ||
	    h.stale != again.stale)
		abort();
	return 0;
}
