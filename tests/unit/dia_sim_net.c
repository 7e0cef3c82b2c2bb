/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/unit/dia_sim_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sim_world sim;

uint32_t sim_rnd(uint32_t below)
{
	sim.rng ^= sim.rng << 13;
	sim.rng ^= sim.rng >> 7;
	sim.rng ^= sim.rng << 17;
	return (uint32_t)(sim.rng >> 20) % below;
}

static bool before(const struct event *a, const struct event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

void sim_push(struct event e)
{
	unsigned i = sim.n_events++;

	if (sim.n_events > EVENTS_MAX) {
		sim.bad = "too many events: a loop";
		sim.n_events--;
		return;
	}
	e.seq = sim.seq++;
	for (; i && before(&e, &sim.heap[(i - 1) / 2]); i = (i - 1) / 2)
		sim.heap[i] = sim.heap[(i - 1) / 2];
	sim.heap[i] = e;
}

struct event sim_pop(void)
{
	struct event top = sim.heap[0], last = sim.heap[--sim.n_events];
	unsigned i = 0, child;

	while ((child = 2 * i + 1) < sim.n_events) {
		if (child + 1 < sim.n_events && before(&sim.heap[child + 1], &sim.heap[child]))
			child++;
		if (!before(&sim.heap[child], &last))
			break;
		sim.heap[i] = sim.heap[child];
		i = child;
	}
	sim.heap[i] = last;
	return top;
}

static uint32_t delay(void)
{
	return 1 + sim_rnd(sim_rnd(8) ? 50 : 400);
}

static void to_end(int wire, int end, struct msg m, uint32_t in_ms)
{
	struct wire *x = &sim.wires[wire];
	uint64_t at = sim.now_ms + in_ms;

	if (x->swallowed)
		return;
	if (at < x->last_ms[end])
		at = x->last_ms[end];
	x->last_ms[end] = at;
	sim_push((struct event){ .at_ms = at, .type = EV_MSG, .wire = wire, .end = end, .msg = m });
}

static void post(int wire, int end, enum msg_type type, uint32_t arg)
{
	struct msg m = { .type = type, .arg = arg, .from = (unsigned)sim.wires[wire].end[end].actor };

	to_end(wire, !end, m, delay());
	if (type == MSG_DWR && sim_rnd(50) == 0) { /* a second time, the same */
		to_end(wire, !end, m, delay());
		sim.counts->duplicates++;
	}
}

static void dial(struct actor *a, struct machine *m, unsigned link)
{
	int wire = (int)sim.n_wires++, to = m->to;
	struct wire *x = &sim.wires[wire];

	if (sim.n_wires > WIRES_MAX) {
		sim.bad = "too many connections: a loop";
		sim.n_wires--;
		return;
	}
	memset(x, 0, sizeof(*x));
	x->end[0] = (struct end){
		.actor = (int)(a - sim.actors), .machine = (int)(m - a->machines), .link = (int)link, .life = a->life
	};
	x->end[1] = (struct end){ .actor = to, .link = -1, .closed = true };
	sim.active[sim.n_active++] = wire;
	m->wire_of[link] = wire;
	m->end_of[link] = 0;
	if (!sim.actors[to].dark)
		sim_push((struct event){ .at_ms = sim.now_ms + delay(), .type = EV_ACCEPT, .wire = wire, .end = 1 });
}

static void close_end(int wire, int end)
{
	struct end *e = &sim.wires[wire].end[end];

	if (e->closed)
		return;
	e->closed = true;
	to_end(wire, !end, (struct msg){ .type = MSG_CLOSED }, delay());
}

static void on_act(void *owner, unsigned link, unsigned act, uint32_t arg)
{
	struct machine *m = owner;
	struct actor *a = NULL;
	int wire, end;

	for (unsigned i = 0; i < sim.n_actors; i++)
		if (m >= sim.actors[i].machines && m < sim.actors[i].machines + MACHINES_MAX)
			a = &sim.actors[i];
	if (act == DIA_BIT_DIAL) {
		dial(a, m, link);
		return;
	}
	sim.counts->refused += act == DIA_BIT_SEND_REFUSAL;
	sim.counts->inband += act == DIA_BIT_HANDSHAKE;
	wire = m->wire_of[link];
	end = m->end_of[link];
	switch (act) {
	case DIA_BIT_SEND_CER:
		post(wire, end, MSG_CER, a->state);
		if (sim.kind != SIM_TLS && sim_rnd(4) == 0) /* in one flight, before it knows whether it is let in */
			post(wire, end, MSG_REQUEST, 0);
		break;
	case DIA_BIT_SEND_CEA:
		post(wire, end, MSG_CEA, 2001);
		break;
	case DIA_BIT_SEND_REFUSAL:
		post(wire, end, MSG_CEA, arg);
		break;
	case DIA_BIT_SEND_DWR:
		post(wire, end, MSG_DWR, arg);
		break;
	case DIA_BIT_DRAIN: /* nothing is asked here, but that it is told may come any time */
		to_end(wire, end, (struct msg){ .type = MSG_DRAINED }, delay());
		break;
	case DIA_BIT_SEND_DPR:
		post(wire, end, MSG_DPR, arg);
		break;
	case DIA_BIT_SEND_DPA:
		post(wire, end, MSG_DPA, 0);
		break;
	case DIA_BIT_HANDSHAKE:
		post(wire, end, MSG_HELLO, 0);
		break;
	case DIA_BIT_CLOSE:
	case DIA_BIT_RESET:
		close_end(wire, end);
		break;
	default: /* a DWA needs the id of its DWR: on_msg() */
		break;
	}
}

static void start(int actor)
{
	struct actor *a = &sim.actors[actor];

	a->alive = true;
	a->dark = a->stopping = false;
	a->life++;
	a->state++;
	a->frozen_ms = 0;
	a->tick_ms = UINT64_MAX;
	for (unsigned i = 0; i < a->n_machines; i++) {
		struct machine *m = &a->machines[i];
		bool proof = sim_rnd(2);
		struct dia_peer_cfg cfg = {
			.self = a->deaf == 1   ? "~"
				: a->deaf == 2 ? "!"
					       : a->identity,
			.name = sim.actors[m->to].identity,
			.dial = m->dial,
			.connections = m->connections,
			.restart_is_proof = proof,
			.tls_after_cer = sim.kind == SIM_TLS,
			.tw_ms = sim.tw_ms,
			.tc_ms = 30000,
			.seed = sim.rng + i,
		};

		m->p = dia_peer_new(&cfg, on_act, m, sim.now_ms);
		if (!m->p || dia_peer_links(m->p) > LINKS_MAX)
			abort();
		dia_peer_tick(m->p, sim.now_ms);
	}
}

void sim_die(int actor, bool power)
{
	struct actor *a = &sim.actors[actor];

	if (!a->alive)
		return;
	a->alive = false;
	a->dark = power;
	for (unsigned i = 0; i < sim.n_active; i++)
		for (int e = 0; e < 2; e++) {
			struct end *x = &sim.wires[sim.active[i]].end[e];

			if (x->actor != actor || x->closed || x->life != a->life)
				continue;
			if (power)
				x->closed = true; /* nobody hears of it until he speaks to who is there again */
			else
				close_end(sim.active[i], e);
		}
	for (unsigned i = 0; i < a->n_machines; i++) {
		dia_peer_free(a->machines[i].p);
		a->machines[i].p = NULL;
	}
}

static struct machine *machine_about(struct actor *a, unsigned from)
{
	for (unsigned i = 0; i < a->n_machines; i++)
		if (!strcmp(sim.actors[a->machines[i].to].identity, sim.actors[from].identity))
			return &a->machines[i];
	return NULL;
}

/* Whoever says anything but a CER first is closed without a word. */
static void on_unknown(int wire, int end, struct msg m)
{
	struct end *e = &sim.wires[wire].end[end];
	struct actor *a = &sim.actors[e->actor];
	struct machine *x = m.type == MSG_CER ? machine_about(a, m.from) : NULL;
	int link = -1;

	for (unsigned i = 0, open = 0; x && i < dia_peer_links(x->p); i++) {
		enum dia_state st = dia_peer_state(x->p, i);

		sim.counts->elections += st == DIA_ST_WAIT_CEA;
		open += st >= DIA_ST_INBAND && st <= DIA_ST_SUSPECT;
		sim.counts->full += open == x->connections && st >= DIA_ST_INBAND && st <= DIA_ST_SUSPECT;
	}
	/* actions about the new link come before its number is known */
	for (unsigned i = 0; x && i < dia_peer_links(x->p); i++)
		if (dia_peer_state(x->p, i) == DIA_ST_GONE) {
			x->wire_of[i] = wire;
			x->end_of[i] = end;
			e->machine = (int)(x - a->machines);
			e->link = (int)i;
			link = dia_peer_cer(x->p, sim.now_ms, true, m.arg);
			break;
		}
	if (link < 0)
		close_end(wire, end);
	else if (link != e->link)
		sim.bad = "a CER got another link";
}

static void to_machine(int wire, int end, struct msg m)
{
	struct end *e = &sim.wires[wire].end[end];
	struct machine *x = &sim.actors[e->actor].machines[e->machine];
	enum dia_state s = dia_peer_state(x->p, (unsigned)e->link);
	bool answers = s >= DIA_ST_OPEN && s <= DIA_ST_CLOSING;
	static const enum dia_on on[] = { DIA_ON_CER, DIA_ON_CEA_BAD, DIA_ON_DWR, DIA_ON_DWA,  DIA_ON_DPR,
					  DIA_ON_DPA, DIA_ON_REQUEST, DIA_ON_UP,  DIA_ON_FAIL, DIA_ON_DRAINED };
	enum dia_on event = on[m.type];

	if (m.type == MSG_CEA && m.arg == 2001) {
		event = sim.kind == SIM_TLS ? DIA_ON_CEA_TLS : DIA_ON_CEA_OK;
		m.arg = 0;
	}
	if (m.type == MSG_CLOSED)
		e->closed = true;
	if (m.type == MSG_DWR && answers)
		post(wire, end, MSG_DWA, m.arg);
	dia_peer_event(x->p, sim.now_ms, (unsigned)e->link, event, m.arg);
}

/* What waits at an end is read as long as it may be: not while its CER is held. */
static void read_end(int wire, int end)
{
	struct end *e = &sim.wires[wire].end[end];
	struct actor *a = &sim.actors[e->actor];

	while (e->n_queue && !e->closed) {
		struct msg m = e->queue[0];
		bool held = e->link >= 0 && dia_peer_state(a->machines[e->machine].p, (unsigned)e->link) == DIA_ST_HELD;

		if (held && m.type != MSG_CLOSED)
			return;
		memmove(e->queue, e->queue + 1, --e->n_queue * sizeof(m));
		if (e->link >= 0)
			to_machine(wire, end, m);
		else if (m.type == MSG_CLOSED)
			e->closed = true;
		else
			on_unknown(wire, end, m);
	}
}

static void on_msg(const struct event *ev)
{
	struct wire *x = &sim.wires[ev->wire];
	struct end *e = &x->end[ev->end];
	struct actor *a = &sim.actors[e->actor];

	if (x->swallowed || a->dark)
		return;
	if (e->closed || !a->alive || e->life != a->life) {
		/* the host answers for who is not there (any more) */
		if (ev->msg.type != MSG_CLOSED)
			to_end(ev->wire, !ev->end, (struct msg){ .type = MSG_CLOSED }, delay());
		return;
	}
	if (ev->msg.type == MSG_CLOSED) /* seen though nothing is read */
		e->n_queue = 0;
	if (e->n_queue == QUEUE_MAX)
		return;
	e->queue[e->n_queue++] = ev->msg;
	read_end(ev->wire, ev->end);
}

static void on_accept(const struct event *ev)
{
	struct wire *x = &sim.wires[ev->wire];
	struct actor *a = &sim.actors[x->end[1].actor];

	if (x->end[0].closed || a->dark)
		return;
	if (!a->alive || a->stopping) {
		to_end(ev->wire, 0, (struct msg){ .type = MSG_CLOSED }, delay());
		return;
	}
	x->accepted = true;
	x->end[1].closed = false;
	x->end[1].life = a->life;
	sim_push((struct event){ .at_ms = sim.now_ms + DIA_TCE_MS, .type = EV_CER_TIMER, .wire = ev->wire, .end = 1 });
	to_end(ev->wire, 0, (struct msg){ .type = MSG_HELLO }, delay());
}

static void fail_wire(int wire)
{
	sim.wires[wire].swallowed = false;
	for (int e = 0; e < 2; e++)
		to_end(wire, e, (struct msg){ .type = MSG_CLOSED }, delay());
	sim.wires[wire].swallowed = false;
}

static int some_wire(void)
{
	for (unsigned tries = 0; tries < 8 && sim.n_active; tries++) {
		int i = sim.active[sim_rnd(sim.n_active)];

		if (!sim.wires[i].end[0].closed && !sim.wires[i].end[1].closed)
			return i;
	}
	return -1;
}

static void stop_actor(struct actor *a)
{
	a->stopping = true;
	for (unsigned i = 0; i < a->n_machines; i++)
		dia_peer_stop(a->machines[i].p, sim.now_ms, DIA_ON_STOP, DIA_REBOOTING);
	sim_push((struct event){ .at_ms = sim.now_ms + STOP_MS, .type = EV_DIE, .actor = (int)(a - sim.actors) });
}

static void on_fault(void)
{
	int actor = (int)sim_rnd(sim.n_actors), wire = some_wire(), end;
	struct actor *a = &sim.actors[actor];
	uint64_t back = sim.now_ms + 500 + sim_rnd(20000);

	switch (sim_rnd(7)) {
	case 0:
		if (wire >= 0)
			fail_wire(wire);
		break;
	case 1:
		if (wire >= 0)
			sim.wires[wire].swallowed = true;
		break;
	case 2:
	case 3:
		if (!a->alive || a->stopping)
			break;
		sim_die(actor, sim_rnd(2));
		sim_push((struct event){ .at_ms = back, .type = EV_START, .actor = actor });
		break;
	case 4:
		if (a->alive)
			a->frozen_ms = sim.now_ms + sim_rnd(40000);
		break;
	case 5:
		if (!a->alive || a->stopping || a->frozen_ms > sim.now_ms)
			break;
		stop_actor(a);
		sim_push((struct event){ .at_ms = back + STOP_MS, .type = EV_START, .actor = actor });
		break;
	default: /* somebody asks something */
		end = (int)sim_rnd(2);
		if (wire >= 0)
			to_end(wire, end, (struct msg){ .type = MSG_REQUEST }, delay());
	}
	if (sim.now_ms < TROUBLE_MS)
		sim_push((struct event){ .at_ms = sim.now_ms + sim_rnd(sim_rnd(3) ? 3000 : 60000), .type = EV_FAULT });
}

/* An actor that takes both connections, as one that does not know the other's name before its CEA, then sends off its own. */
static void settle_deaf(struct actor *a)
{
	int open = 0, own = -1;

	if (a->deaf != 3 || !a->alive)
		return;
	for (unsigned i = 0; i < sim.n_active; i++)
		for (int e = 0; e < 2; e++) {
			struct end *x = &sim.wires[sim.active[i]].end[e];

			if (&sim.actors[x->actor] != a || x->closed || x->link < 0 || x->life != a->life)
				continue;
			if (dia_peer_usable(a->machines[x->machine].p, (unsigned)x->link)) {
				open++;
				own = e == 0 ? sim.active[i] : own;
			}
		}
	if (open == 2 && own >= 0)
		fail_wire(own);
}

static bool up(const struct actor *a)
{
	return a->alive && !a->stopping && a->frozen_ms <= sim.now_ms;
}

static bool up_or_stopping(const struct actor *a)
{
	return a->alive && a->frozen_ms <= sim.now_ms;
}

static bool end_serves(const struct end *e)
{
	const struct actor *a = &sim.actors[e->actor];

	return !e->closed && e->link >= 0 && up(a) && e->life == a->life &&
	       dia_peer_usable(a->machines[e->machine].p, (unsigned)e->link);
}

unsigned sim_serving(int a, int b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sim.n_active; i++) {
		const struct wire *x = &sim.wires[sim.active[i]];
		bool theirs = (x->end[0].actor == a && x->end[1].actor == b) ||
			      (x->end[0].actor == b && x->end[1].actor == a);

		n += theirs && !x->swallowed && end_serves(&x->end[0]) && end_serves(&x->end[1]);
	}
	return n;
}

static void note_outage(uint64_t ms)
{
	struct sim_outages *o = sim.outages;

	if (o->n == o->cap) {
		o->cap = o->cap ? 2 * o->cap : 4096;
		o->ms = realloc(o->ms, o->cap * sizeof(o->ms[0]));
		if (!o->ms)
			abort();
	}
	o->ms[o->n++] = (uint32_t)ms;
}

void sim_note_relations(void)
{
	for (unsigned i = 0; i < sim.n_relations; i++) {
		struct relation *r = &sim.relations[i];
		bool can = up(&sim.actors[r->a]) && up(&sim.actors[r->b]);
		bool served = can && sim_serving(r->a, r->b);

		if (can && r->since_ms == UINT64_MAX)
			r->since_ms = sim.now_ms;
		if (!can)
			r->since_ms = UINT64_MAX;
		else if (served && !r->served && r->wanted)
			note_outage(sim.now_ms - r->since_ms);
		else if (!served && r->served)
			r->since_ms = sim.now_ms;
		r->served = served;
	}
}

/* At every moment: no more open than there are places, and whoever waits has a timer. */
void sim_check_machines(void)
{
	for (unsigned i = 0; i < sim.n_actors; i++)
		for (unsigned m = 0; m < sim.actors[i].n_machines; m++) {
			struct dia_peer_machine *p = sim.actors[i].machines[m].p;
			unsigned open = 0, living = 0;

			for (unsigned l = 0; p && l < dia_peer_links(p); l++) {
				enum dia_state s = dia_peer_state(p, l);

				open += s >= DIA_ST_INBAND && s <= DIA_ST_SUSPECT;
				living += s != DIA_ST_GONE;
			}
			if (open > sim.actors[i].machines[m].connections)
				sim.bad = "more connections than places";
			if (living && dia_peer_next(p) == UINT64_MAX)
				sim.bad = "a state without a timer";
			if (p && !living && sim.actors[i].machines[m].dial && !sim.actors[i].stopping &&
			    dia_peer_next(p) == UINT64_MAX)
				sim.bad = "no next try";
		}
}

void sim_arm_ticks(void)
{
	for (unsigned i = 0; i < sim.n_actors; i++) {
		struct actor *a = &sim.actors[i];
		uint64_t next = UINT64_MAX;

		for (unsigned m = 0; a->alive && m < a->n_machines; m++)
			if (dia_peer_next(a->machines[m].p) < next)
				next = dia_peer_next(a->machines[m].p);
		if (next < sim.now_ms)
			next = sim.now_ms;
		if (next < a->frozen_ms)
			next = a->frozen_ms;
		if (next == UINT64_MAX || next >= a->tick_ms)
			continue;
		a->tick_ms = next;
		sim_push((struct event){ .at_ms = next, .type = EV_TICK, .actor = (int)i });
	}
}

static void on_tick(struct actor *a)
{
	a->tick_ms = UINT64_MAX;
	for (unsigned m = 0; a->alive && m < a->n_machines; m++)
		dia_peer_tick(a->machines[m].p, sim.now_ms);
	settle_deaf(a);
}

/* A decision may have let a held end be read; and who is closed at both ends is forgotten. */
void sim_read_all(void)
{
	for (unsigned i = 0; i < sim.n_active; i++) {
		struct wire *x = &sim.wires[sim.active[i]];

		for (int e = 0; e < 2; e++)
			if (x->end[e].n_queue && !x->end[e].closed && up_or_stopping(&sim.actors[x->end[e].actor]) &&
			    x->end[e].life == sim.actors[x->end[e].actor].life)
				read_end(sim.active[i], e);
		if (x->end[0].closed && x->end[1].closed)
			sim.active[i--] = sim.active[--sim.n_active];
	}
}

static int actor_of(const struct event *ev)
{
	switch (ev->type) {
	case EV_MSG:
	case EV_CER_TIMER:
		return sim.wires[ev->wire].end[ev->end].actor;
	case EV_TICK:
	case EV_DIE:
		return ev->actor;
	default:
		return -1; /* of nobody's process */
	}
}

void sim_on_event(struct event ev)
{
	int actor = actor_of(&ev);
	struct end *e;

	if (actor >= 0 && sim.actors[actor].alive && sim.actors[actor].frozen_ms > sim.now_ms) {
		ev.at_ms = sim.actors[actor].frozen_ms;
		if (ev.type == EV_TICK)
			sim.actors[actor].tick_ms = ev.at_ms;
		sim_push(ev);
		return;
	}
	switch (ev.type) {
	case EV_ACCEPT:
		on_accept(&ev);
		break;
	case EV_MSG:
		on_msg(&ev);
		break;
	case EV_CER_TIMER:
		e = &sim.wires[ev.wire].end[ev.end];
		if (!e->closed && e->link < 0 && e->life == sim.actors[e->actor].life && sim.actors[e->actor].alive)
			close_end(ev.wire, ev.end);
		break;
	case EV_TICK:
		on_tick(&sim.actors[ev.actor]);
		break;
	case EV_FAULT:
		on_fault();
		break;
	case EV_START:
		if (!sim.actors[ev.actor].alive) {
			start(ev.actor);
			break;
		}
		ev.at_ms = sim.now_ms + 1000; /* frozen while it stopped */
		sim_push(ev);
		break;
	case EV_DIE:
		if (sim.actors[ev.actor].stopping)
			sim_die(ev.actor, false);
		break;
	default:
		break;
	}
}
