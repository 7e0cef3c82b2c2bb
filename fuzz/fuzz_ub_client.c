/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a BSF sends: the nonce, and the proof in Authentication-Info. */
#include <stdlib.h>
#include <string.h>
#include "common/base/b64.h"
#include "ue/lib/ub_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void nonce(const uint8_t *data, size_t size)
{
	uint8_t both[AKA_RAND_LEN + AKA_AUTN_LEN];
	char text[B64_LEN(sizeof(both)) + 1];

	if (ub_check_nonce(both, both + AKA_RAND_LEN, span_of(data, size)) < 0)
		return;
	/* 30 octets are 40 characters that depend on nothing behind them */
	b64_encode(text, sizeof(text), both, 30);
	if (size < 44 || memcmp(text, data, 40) != 0)
		abort();
}

/* Without the key nobody proves anything. */
static void proof(const uint8_t *data, size_t size)
{
	static const struct secret ha1 = { 32, "0123456789abcdef0123456789abcdef" };
	const struct digest_input in = {
		.qop = DIGEST_QOP_AUTH_INT,
		.uri = span_str("/"),
		.nonce = span_str("n"),
		.nc = span_str("00000001"),
		.cnonce = span_str("c"),
	};
	char text[1000];

	if (span_to_str(text, sizeof(text), span_of(data, size)) == 0 && ub_check_rspauth(text, &in, &ha1) == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	nonce(data, size);
	proof(data, size);
	return 0;
}
