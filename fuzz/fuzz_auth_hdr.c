/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/http/auth_hdr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auth_hdr h, again;
	struct digest_alg alg;
	enum digest_qop qop;
	char text[2 * AUTH_HDR_MAX];
	int n;

	if (auth_hdr_parse(&h, data, size) < 0)
		return 0;
	auth_hdr_assert_inside(&h, data, size);
	if (digest_alg_parse(&alg, h.algorithm) == 0 && !span_ieq(h.algorithm, span_str(digest_alg_name(alg))))
		abort();
	if (digest_qop_parse(&qop, h.qop) == 0 && !span_ieq(h.qop, span_str(digest_qop_name(qop))))
		abort();
	n = auth_hdr_format(text, sizeof(text), &h);
	if (n < 0 || n > AUTH_HDR_MAX)
		return 0; /* a value that only our strict form refuses; or nothing but unknown parameters */
	if (n > (int)strlen("Digest ") && (auth_hdr_parse(&again, (const uint8_t *)text, (size_t)n) < 0 ||
					   !span_eq(h.username, again.username) || !span_eq(h.auts, again.auts)))
		abort();
	return 0;
}
