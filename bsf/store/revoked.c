/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file revoked.c
 *  When something was revoked of which there may be no record yet. */
#include "bsf/store/revoked.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"
#include "common/gba/impi.h"

#define SLOTS 65536

struct revoked {
	uint64_t key[2];
	_Atomic int64_t at_ms[SLOTS]; /* 0: nothing */
};

struct revoked *revoked_new(void)
{
	struct revoked *t = calloc(1, sizeof(*t));

	if (t && rng_fill(t->key, sizeof(t->key)) == 0)
		return t;
	free(t);
	return NULL;
}

void revoked_free(struct revoked *t)
{
	free(t);
}

static size_t revoked_slot_of(const struct revoked *t, struct span name)
{
	return keyed_hash(t->key, name) % SLOTS;
}

static size_t revoked_slot_of_impi(const struct revoked *t, const char *impi)
{
	struct impi key;

	impi_key(&key, impi);
	return revoked_slot_of(t, span_str(key.s));
}

static void revoked_slot(struct revoked *t, size_t slot, int64_t at_ms)
{
	int64_t was = atomic_load(&t->at_ms[slot]);

	while (was < at_ms && !atomic_compare_exchange_weak(&t->at_ms[slot], &was, at_ms))
		;
}

void revoked_impi(struct revoked *t, const char *impi, int64_t at_ms)
{
	revoked_slot(t, revoked_slot_of_impi(t, impi), at_ms);
}

void revoked_rand(struct revoked *t, const uint8_t rand[BTID_RAND_LEN], int64_t at_ms)
{
	revoked_slot(t, revoked_slot_of(t, span_of(rand, BTID_RAND_LEN)), at_ms);
}

bool revoked_since(const struct revoked *t, const char *impi, const uint8_t rand[BTID_RAND_LEN], int64_t made_ms)
{
	int64_t impi_ms = atomic_load(&t->at_ms[revoked_slot_of_impi(t, impi)]);
	int64_t rand_ms = atomic_load(&t->at_ms[revoked_slot_of(t, span_of(rand, BTID_RAND_LEN))]);

	return (impi_ms && impi_ms >= made_ms) || (rand_ms && rand_ms >= made_ms);
}
