/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file dia_sim.h
 *  Worlds of two to six processes that speak the base protocol with each other, by the peer machine and nothing else: the
 *  network delays, closes, swallows; processes are killed, lose their power, freeze, stop and start again. All from a seed, in
 *  no real time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sim_kind {
	SIM_BOTH,    /* two, both dial */
	SIM_ONE,     /* two, one dials */
	SIM_MESH,    /* three or four, all dial all */
	SIM_WORKERS, /* one server, four workers under one identity, connections 4; sometimes a fifth worker */
	SIM_DEAF,    /* two, both dial, one takes no part in the election */
	SIM_TLS,     /* two, both dial, TLS after CEA */
	SIM_START,   /* two that begin at the same moment, and no trouble: elections */
	SIM_KINDS
};

/*! How long a relation was without service, from when both were up (again) until requests could flow. */
struct sim_outages {
	uint32_t *ms;
	size_t n, cap;
};

/*! What happened in all worlds so far. */
struct sim_counts {
	unsigned long elections; /* a CER came while ours was out */
	unsigned long full;      /* a CER came and there was no place */
	unsigned long duplicates, refused, inband;
};

/*! Run one world. \returns NULL: all held; else what did not, and the rest of the world was not run */
const char *sim_run(enum sim_kind kind, uint64_t seed, struct sim_outages *outages, struct sim_counts *counts);
