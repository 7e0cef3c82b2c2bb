/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The peer machine in worlds full of trouble. SIM=n worlds (default 20,000; make sim: more), SIM_SEED=n only that one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/unit/dia_sim.h"

#define WORLDS 20000

/* What a fault that heals by itself can be seen by: how long nobody is served. Per kind, in ms. */
static const struct {
	const char *name;
	uint32_t mean, p99;
} limits[SIM_KINDS] = {
	[SIM_BOTH] = { "both", 2290, 33000 }, [SIM_ONE] = { "one", 4300, 48000 },
	[SIM_MESH] = { "mesh", 1920, 32000 }, [SIM_WORKERS] = { "workers", 5150, 69000 },
	[SIM_DEAF] = { "deaf", 2400, 34000 }, [SIM_TLS] = { "tls", 2280, 33000 },
	[SIM_START] = { "start", 170, 650 },
};

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* \returns number of limits that do not hold */
static int judge(enum sim_kind kind, struct sim_outages *o)
{
	uint64_t sum = 0;
	uint32_t mean, p99;
	bool ok;

	if (!o->n)
		return 0;
	qsort(o->ms, o->n, sizeof(o->ms[0]), by_number);
	for (size_t i = 0; i < o->n; i++)
		sum += o->ms[i];
	mean = (uint32_t)(sum / o->n);
	p99 = o->ms[o->n * 99 / 100];
	ok = mean <= limits[kind].mean && p99 <= limits[kind].p99;
	printf("%s %-8s without service: mean %u ms (at most %u), p99 %u (at most %u), max %u, of %zu\n",
	       ok ? "ok" : "BAD", limits[kind].name, mean, limits[kind].mean, p99, limits[kind].p99, o->ms[o->n - 1],
	       o->n);
	return !ok;
}

int main(void)
{
	static struct sim_outages outages[SIM_KINDS];
	const char *n_env = getenv("SIM"), *seed_env = getenv("SIM_SEED");
	uint64_t n = n_env ? strtoull(n_env, NULL, 10) : WORLDS, bad = 0;
	uint64_t first = seed_env ? strtoull(seed_env, NULL, 10) : 0, end = seed_env ? first + 1 : n;
	struct sim_counts counts = { 0 };

	for (uint64_t seed = first; seed < end; seed++) {
		enum sim_kind kind = seed % SIM_KINDS;
		const char *why = sim_run(kind, seed, &outages[kind], &counts);

		if (why && bad++ < 10)
			printf("BAD world %" PRIu64 " (%s): %s\n", seed, limits[kind].name, why);
	}
	for (int k = 0; k < SIM_KINDS && !seed_env; k++)
		bad += (uint64_t)judge(k, &outages[k]);
	for (int k = 0; k < SIM_KINDS; k++)
		free(outages[k].ms);
	printf("%" PRIu64 " worlds, %" PRIu64
	       " bad; elections %lu, no place %lu, refused %lu, watchdogs sent twice %lu, handshakes %lu\n",
	       end - first, bad, counts.elections, counts.full, counts.refused, counts.duplicates, counts.inband);
	return bad != 0 || end == first;
}
