/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_rate.h"

#include <stdlib.h>

#define SETS 1024
#define WAYS 4 /* keys that share a place before one goes */
#define S_US UINT64_C(1000000)

struct bucket {
	uint64_t key, seen_us; /* seen_us 0: free */
	uint64_t debt_us;      /* at seen_us: when it is empty again */
};

struct api_rates {
	struct bucket sets[SETS][WAYS];
};

struct api_rates *api_rates_new(void)
{
	return calloc(1, sizeof(struct api_rates));
}

void api_rates_free(struct api_rates *r)
{
	free(r);
}

static struct bucket *rate_bucket(const struct api_rates *r, uint64_t key)
{
	struct bucket *set = ((struct api_rates *)(uintptr_t)r)->sets[key % SETS];

	for (int i = 0; i < WAYS; i++) {
		if (set[i].seen_us && set[i].key == key)
			return &set[i];
	}
	return NULL;
}

static struct bucket *place_for(struct api_rates *r, uint64_t key, uint64_t now_us)
{
	struct bucket *b = rate_bucket(r, key), *set = r->sets[key % SETS];

	if (b)
		return b;
	b = &set[0];
	for (int i = 1; i < WAYS; i++)
		b = set[i].seen_us < b->seen_us ? &set[i] : b;
	*b = (struct bucket){ .key = key, .seen_us = now_us };
	return b;
}

bool api_rate_known(const struct api_rates *r, uint64_t key)
{
	return rate_bucket(r, key) != NULL;
}

void api_rate_learn(struct api_rates *r, uint64_t key, uint64_t now_us)
{
	place_for(r, key, now_us);
}

void api_rate_forget(struct api_rates *r, uint64_t key)
{
	struct bucket *b = rate_bucket(r, key);

	if (b)
		*b = (struct bucket){ 0 };
}

unsigned api_rate_take(struct api_rates *r, uint64_t key, unsigned per_s, uint64_t now_us)
{
	struct bucket *b = place_for(r, key, now_us);
	uint64_t passed = now_us - b->seen_us, one = S_US / per_s;

	b->debt_us = b->debt_us > passed ? b->debt_us - passed : 0;
	b->seen_us = now_us;
	if (b->debt_us + one > S_US)
		return (unsigned)((b->debt_us + one - S_US) / S_US) + 1;
	b->debt_us += one;
	return 0;
}

void api_rate_charge(struct api_rates *r, uint64_t key, unsigned per_s, size_t more)
{
	struct bucket *b = rate_bucket(r, key);

	if (b)
		b->debt_us += more * (S_US / per_s);
}
