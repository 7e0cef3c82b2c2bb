/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ue_limit.h"

#include <string.h>
#include <openssl/sha.h>

static void name_of(uint8_t out[UE_LIMIT_NAF], const char *naf)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256((const uint8_t *)naf, strlen(naf), digest);
	memcpy(out, digest, UE_LIMIT_NAF);
}

/* What is older than the window, and what a clock that was ahead has left. */
static void drop_old(struct ue_limit *l, time_t now, unsigned window_s)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->past[i].at <= now && now - l->past[i].at < (time_t)window_s)
			l->past[kept++] = l->past[i];
	}
	l->n = kept;
}

bool ue_limit_take(struct ue_limit *l, const char *naf, time_t now, unsigned most, unsigned window_s, long *wait_s)
{
	uint8_t name[UE_LIMIT_NAF];
	time_t first = l->n ? l->past[0].at : now;
	unsigned n = 0;

	name_of(name, naf);
	drop_old(l, now, window_s);
	for (size_t i = 0; i < l->n; i++) {
		if (memcmp(l->past[i].naf, name, sizeof(name)) != 0)
			continue;
		if (n++ == 0)
			first = l->past[i].at;
	}
	if (n >= most || l->n == UE_LIMIT_PAST) {
		if (wait_s)
			*wait_s = (long)(first + (time_t)window_s - now);
		return false;
	}
	memcpy(l->past[l->n].naf, name, sizeof(name));
	l->past[l->n++].at = now;
	return true;
}
