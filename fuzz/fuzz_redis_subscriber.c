/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The record of a subscriber as Redis gives it back, whichever release wrote it: written and read again it says the same. */
#include <stdlib.h>
#include "bsf/store/redis_subscriber.h"
#include "common/gba/tmpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct redis_subscriber *a, const struct redis_subscriber *b)
{
	if ((a->revoked_ms ^ b->revoked_ms) << 16 || !a->tmpi != !b->tmpi ||
	    (a->tmpi && memcmp(a->tmpi, b->tmpi, TMPI_LEN)) || !span_eq(a->sealed, b->sealed))
		abort();
	if (a->list.len / a->entry_len != b->list.len / b->entry_len)
		abort();
	for (size_t i = 0; i < a->list.len / a->entry_len; i++)
		if (memcmp(a->list.p + i * a->entry_len, b->list.p + i * b->entry_len, 20))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct redis_subscriber s, t;
	struct span v = span_of(data, size), sealed = redis_subscriber_sealed(v);
	uint8_t *again = malloc(size + 1);
	int n;

	if (again && redis_subscriber_read(&s, v)) {
		if (sealed.p != s.sealed.p || sealed.len < s.sealed.len)
			abort();
		n = redis_subscriber_write(again, size, &s, s.sealed);
		if (n < 0 || !redis_subscriber_read(&t, span_of(again, (size_t)n)))
			abort();
		check_same(&s, &t);
	}
	free(again);
	return 0;
}
