/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file dia_sim_net.h
 *  Inside of dia_sim: processes, the wires between them, and what happens to both. */
#pragma once

#include "common/dia/dia_base.h"
#include "common/dia/dia_peer.h"
#include "tests/unit/dia_sim.h"

#define ACTORS_MAX   6
#define MACHINES_MAX 4 /* of an actor */
#define LINKS_MAX    16
#define WIRES_MAX    8192
#define EVENTS_MAX   16384
#define QUEUE_MAX    16 /* messages an end has not read */

#define TROUBLE_MS 240000 /* faults happen until then */
#define QUIET_MS   160000 /* and all must be well after that */
#define STOP_MS    6000   /* what a process that stops lives on */

enum msg_type { MSG_CER, MSG_CEA, MSG_DWR, MSG_DWA, MSG_DPR, MSG_DPA, MSG_REQUEST, MSG_HELLO, MSG_CLOSED, MSG_DRAINED };

struct msg {
	enum msg_type type;
	uint32_t arg;
	unsigned from; /* CER: actor */
};

struct end {
	int actor, machine, link; /* link -1: accepted, who it is nobody knows */
	unsigned life;            /* of the actor when it began */
	bool closed;
	uint64_t deadline_ms; /* for CER */
	struct msg queue[QUEUE_MAX];
	unsigned n_queue;
};

struct wire {
	struct end end[2]; /* 0 has dialled */
	bool accepted, swallowed;
	uint64_t last_ms[2]; /* arrival of the last message at each end: order is kept */
};

struct machine {
	struct dia_peer_machine *p;
	int to; /* first actor of the identity it is about */
	int wire_of[LINKS_MAX], end_of[LINKS_MAX];
	unsigned connections;
	bool dial;
};

struct actor {
	char identity[16];
	bool alive, dark, stopping;
	unsigned life;
	uint32_t state; /* Origin-State-Id */
	uint64_t frozen_ms, tick_ms;
	int deaf; /* 0 no; 1 always wins; 2 never; 3 takes both, closes its own */
	struct machine machines[MACHINES_MAX];
	unsigned n_machines;
};

enum event_type { EV_ACCEPT, EV_UP, EV_MSG, EV_FAIL, EV_TICK, EV_FAULT, EV_START, EV_DIE, EV_CER_TIMER };

struct event {
	uint64_t at_ms, seq;
	enum event_type type;
	int actor, wire, end;
	struct msg msg;
};

struct relation {
	int a, b;
	bool served;
	bool wanted;       /* must be served when all is quiet */
	uint64_t since_ms; /* both are up; UINT64_MAX: not */
};

struct sim_world {
	enum sim_kind kind;
	uint64_t rng, now_ms, seq;
	struct actor actors[ACTORS_MAX];
	unsigned n_actors, places, excess;
	struct relation relations[16];
	unsigned n_relations;
	struct wire wires[WIRES_MAX];
	unsigned n_wires;
	int active[WIRES_MAX]; /* those with an end that is not closed */
	unsigned n_active;
	struct event heap[EVENTS_MAX];
	unsigned n_events;
	uint32_t tw_ms;
	const char *bad;
	struct sim_outages *outages;
	struct sim_counts *counts;
};

extern struct sim_world sim;

uint32_t sim_rnd(uint32_t below);
void sim_push(struct event e);
struct event sim_pop(void);
void sim_on_event(struct event ev);
/*! After each event: what may be read now, what must always hold, who is served, when to look again. */
void sim_read_all(void);
void sim_check_machines(void);
void sim_note_relations(void);
void sim_arm_ticks(void);
/*! \returns connections between the two over which requests can flow */
unsigned sim_serving(int a, int b);
/*! \param[in] power lost: nobody hears of it; else the kernel closes for it */
void sim_die(int actor, bool power);
