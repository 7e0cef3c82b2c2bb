/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A record as it may come back from a disk or another machine. The corpus was sealed under the key below; after any
 * change it must be refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/crypto/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seal *seal;
	static const char plain[] = "Ks and IMPI";
	struct seal_kek kek = { .id = 1, .key = { .len = SEAL_KEK_LEN } };
	uint8_t out[4096];
	int n;

	if (!seal) {
		memset(kek.key.b, 1, SEAL_KEK_LEN);
		seal = seal_new(&kek, 1, NULL);
		if (!seal)
			abort();
	}
	n = seal_open(seal, out, sizeof(out), span_of(data, size), span_str("lookup key"));
	if (n >= 0 && (n != (int)sizeof(plain) - 1 || memcmp(out, plain, sizeof(plain) - 1) != 0))
		abort();
	return 0;
}
