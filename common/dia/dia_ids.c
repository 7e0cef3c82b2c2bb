/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_ids.h"

#include <stdatomic.h>
#include <stdbool.h>
#include "common/crypto/rng.h"

static _Atomic uint32_t last;
static atomic_bool begun;

int dia_ids_renew(void)
{
	uint32_t start;
	int rc = rng_fill(&start, sizeof(start));

	if (rc < 0)
		return rc;
	atomic_store(&last, start);
	atomic_store(&begun, true);
	return 0;
}

int dia_ids_init(void)
{
	return atomic_load(&begun) ? 0 : dia_ids_renew();
}

uint32_t dia_ids_next(void)
{
	return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}
