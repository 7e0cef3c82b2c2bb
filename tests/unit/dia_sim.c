/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/unit/dia_sim.h"

#include <stdio.h>
#include <string.h>
#include "tests/unit/dia_sim_net.h"

#define START_MS 60000

static void add_machine(int actor, int to, unsigned connections, bool dials)
{
	struct actor *a = &sim.actors[actor];

	a->machines[a->n_machines++] = (struct machine){ .to = to, .connections = connections, .dial = dials };
}

static void relate(int a, int b, bool wanted)
{
	sim.relations[sim.n_relations++] =
		(struct relation){ .a = a, .b = b, .wanted = wanted, .since_ms = UINT64_MAX };
}

static void populate_pair(bool both)
{
	bool deaf = sim.kind == SIM_DEAF;
	int swap = (int)sim_rnd(2); /* whose name is the greater one */

	sim.n_actors = 2;
	for (int i = 0; i < 2; i++)
		snprintf(sim.actors[i].identity, sizeof(sim.actors[i].identity), "%s.example", i == swap ? "a" : "B");
	if (deaf)
		sim.actors[1].deaf = 1 + (int)sim_rnd(3);
	add_machine(0, 1, 1, true);
	add_machine(1, 0, sim.actors[1].deaf == 3 ? 2 : 1, both);
	relate(0, 1, true);
}

static void populate_mesh(void)
{
	sim.n_actors = 3 + sim_rnd(2);
	for (int i = 0; i < (int)sim.n_actors; i++) {
		snprintf(sim.actors[i].identity, sizeof(sim.actors[i].identity), "%c.example", 'a' + i);
		for (int j = 0; j < (int)sim.n_actors; j++)
			if (j != i)
				add_machine(i, j, 1, true);
		for (int j = 0; j < i; j++)
			relate(j, i, true);
	}
}

static void populate_workers(void)
{
	sim.places = 4;
	sim.excess = sim_rnd(3) == 0;
	sim.n_actors = 1 + sim.places + sim.excess;
	strcpy(sim.actors[0].identity, "bsf.example");
	add_machine(0, 1, sim.places, false);
	for (int i = 1; i < (int)sim.n_actors; i++) {
		strcpy(sim.actors[i].identity, "naf.example");
		add_machine(i, 0, 1, true);
		relate(0, i, !sim.excess);
	}
}

static void populate(void)
{
	switch (sim.kind) {
	case SIM_ONE:
		populate_pair(false);
		break;
	case SIM_MESH:
		populate_mesh();
		break;
	case SIM_WORKERS:
		populate_workers();
		break;
	default:
		populate_pair(true);
	}
}

static void check_quiet(void)
{
	unsigned served = 0;

	for (unsigned i = 0; i < sim.n_relations; i++) {
		unsigned n = sim_serving(sim.relations[i].a, sim.relations[i].b);

		served += n;
		if (sim.relations[i].wanted && n != 1)
			sim.bad = n ? "two connections remain" : "not connected at the end";
	}
	if (sim.excess && served != sim.places)
		sim.bad = "not all places taken at the end";
	for (unsigned i = 0; i < sim.n_actors; i++)
		for (unsigned m = 0; m < sim.actors[i].n_machines; m++) {
			unsigned open = 0;

			for (unsigned l = 0; l < dia_peer_links(sim.actors[i].machines[m].p); l++)
				open += dia_peer_state(sim.actors[i].machines[m].p, l) == DIA_ST_OPEN ||
					dia_peer_state(sim.actors[i].machines[m].p, l) == DIA_ST_PROBED;
			if (sim.kind != SIM_WORKERS && open != 1)
				sim.bad = "both do not agree on one";
			if (sim.kind == SIM_WORKERS && i == 0 && open != sim.places)
				sim.bad = "the server counts another number of workers";
		}
}

const char *sim_run(enum sim_kind kind, uint64_t seed, struct sim_outages *outages, struct sim_counts *counts)
{
	static const uint32_t tw[] = { 6000, 10000, 30000 };
	uint64_t end_ms = kind == SIM_START ? START_MS : TROUBLE_MS + QUIET_MS;

	memset(sim.actors, 0, sizeof(sim.actors));
	sim.kind = kind;
	sim.rng = (seed + 1) * 0x9e3779b97f4a7c15;
	sim.now_ms = sim.seq = 0;
	sim.n_wires = sim.n_active = sim.n_events = sim.n_relations = sim.places = sim.excess = 0;
	sim.bad = NULL;
	sim.outages = outages;
	sim.counts = counts;
	sim.tw_ms = tw[sim_rnd(3)];
	populate();
	for (unsigned i = 0; i < sim.n_actors; i++) {
		sim.actors[i].tick_ms = UINT64_MAX;
		sim_push((struct event){ .at_ms = sim_rnd(kind == SIM_START || sim_rnd(2) ? 50 : 3000),
					 .type = EV_START,
					 .actor = (int)i });
	}
	if (kind != SIM_START)
		sim_push((struct event){ .at_ms = sim_rnd(20000), .type = EV_FAULT });
	while (!sim.bad && sim.n_events && sim.heap[0].at_ms <= end_ms) {
		struct event ev = sim_pop();

		sim.now_ms = ev.at_ms;
		sim_on_event(ev);
		sim_read_all();
		sim_check_machines();
		sim_note_relations();
		sim_arm_ticks();
	}
	if (!sim.bad)
		check_quiet();
	for (unsigned i = 0; i < sim.n_actors; i++)
		sim_die((int)i, true);
	return sim.bad;
}
