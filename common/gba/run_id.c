/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/run_id.h"

#include <openssl/sha.h>
#include "common/base/hex.h"

void run_id(char out[RUN_ID_LEN + 1], const uint8_t rand[16])
{
	uint8_t md[SHA256_DIGEST_LENGTH] = { 0 }; /* without memory for the digest no octet of ours is shown */

	SHA256(rand, 16, md);
	hex_encode(out, RUN_ID_LEN + 1, md, RUN_ID_LEN / 2);
}
