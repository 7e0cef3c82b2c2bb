/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/zn/usage.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/bytes.h"
#include "common/base/hex.h"
#include "common/crypto/rng.h"

/* Two texts behind it, each with its NUL. */
struct use {
	int64_t bootstrapped_s, at_s;
	char text[];
};

static struct {
	pthread_mutex_t lock;
	char boot[ZN_USAGE_BOOT + 1];
	uint64_t first, next; /* numbers: of the oldest that is kept, of the one to come; from 1 */
	struct use *use[ZN_USAGE_MAX];
} * ring;

int zn_usage_init(void)
{
	uint8_t bits[ZN_USAGE_BOOT / 2];

	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	pthread_mutex_init(&ring->lock, NULL);
	ring->first = ring->next = 1;
	if (rng_fill(bits, sizeof(bits)) < 0)
		return -EIO;
	hex_encode(ring->boot, sizeof(ring->boot), bits, sizeof(bits));
	return 0;
}

const char *zn_usage_boot(void)
{
	return ring->boot;
}

static struct use **place(uint64_t number)
{
	return &ring->use[number & (ZN_USAGE_MAX - 1)];
}

static void drop_first(void)
{
	free(*place(ring->first));
	*place(ring->first++) = NULL;
}

void zn_usage_free(void)
{
	while (ring && ring->first < ring->next)
		drop_first();
	free(ring);
	ring = NULL;
}

static bool has_to_go(int64_t now_s)
{
	return ring->first < ring->next &&
	       (ring->next - ring->first == ZN_USAGE_MAX || (*place(ring->first))->at_s + ZN_USAGE_KEPT_S < now_s);
}

void zn_usage_note(const char *impi, const char *naf, int64_t bootstrapped_s, int64_t at_s)
{
	size_t n = strlen(impi) + 1, m = strlen(naf) + 1;
	struct use *u = ring ? malloc(sizeof(*u) + n + m) : NULL;

	if (!u)
		return;
	u->bootstrapped_s = bootstrapped_s;
	u->at_s = at_s;
	memcpy(u->text, impi, n);
	memcpy(u->text + n, naf, m);
	pthread_mutex_lock(&ring->lock);
	while (has_to_go(at_s))
		drop_first();
	*place(ring->next++) = u;
	pthread_mutex_unlock(&ring->lock);
}

static void copy_use(struct zn_use *out, const struct use *u)
{
	const char *naf = u->text + strlen(u->text) + 1;

	*out = (struct zn_use){ .bootstrapped_s = u->bootstrapped_s, .at_s = u->at_s };
	(void)span_to_str(out->impi, sizeof(out->impi), span_str(u->text));
	(void)span_to_str(out->naf, sizeof(out->naf), span_str(naf));
}

size_t zn_usage_read(struct zn_use *out, size_t max, uint64_t *behind, uint64_t *lost)
{
	uint64_t at = *behind + 1;
	size_t n = 0;

	*lost = 0;
	if (!ring)
		return 0;
	pthread_mutex_lock(&ring->lock);
	if (at < ring->first) {
		*lost = ring->first - at;
		at = ring->first;
	}
	for (; n < max && at < ring->next; at++)
		copy_use(&out[n++], *place(at));
	pthread_mutex_unlock(&ring->lock);
	*behind = at - 1;
	return n;
}
