/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/rng.h"

#include <errno.h>
#include <limits.h>
#include <openssl/rand.h>

int rng_fill(void *out, size_t len)
{
	return len <= INT_MAX && RAND_bytes(out, (int)len) == 1 ? 0 : -EIO;
}
