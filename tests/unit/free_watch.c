/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/free_watch.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/io_log.h"

enum { KEYS = 64 };
static const void *_Atomic keys[KEYS];
static atomic_uint n_keys, hits;

void free_watch(const void *key)
{
	unsigned n = n_keys;

	if (n == KEYS)
		abort();
	keys[n] = key;
	n_keys = n + 1;
}

unsigned free_watch_hits(void)
{
	return hits;
}

#if FREE_WATCH

/* \param[in] len octets of p; only those are read that the block has */
static void look(const void *p, size_t len)
{
	for (unsigned i = 0; i < n_keys; i++)
		if (memmem(p, len, keys[i], FREE_WATCH_LEN))
			hits++;
}

static void free_real(void *p)
{
	REAL_OF(free)

	if (n_keys)
		look(p, malloc_usable_size(p));
	real(p);
}

void free(void *p)
{
	static _Thread_local volatile bool inside; /* dlsym() may free something, once */

	if (!p || inside)
		return;
	inside = true;
	free_real(p);
	inside = false;
}

#endif
