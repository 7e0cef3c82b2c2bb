/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The loop under what breaks loops: floods beside a quiet one, an end in the middle of a batch, words from other threads. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "common/base/clock.h"
#include "common/dia/dia_loop.h"
#include "tests/unit/suite.h"

#define FLOODS 8
#define BUDGET 64

/* One end of a socket pair on the loop; each octet is a message. */
struct end {
	struct dia_fd f;
	struct dia_loop *loop;
	int peer;
	unsigned served, calls;
	uint32_t seen;
	struct end *victim; /* taken off and freed when we are called */
	int wakes;          /* written to when wakes_at were served; 0: nothing */
	unsigned wakes_at;
	struct end *notes; /* whose served is noted when we are called */
	unsigned noted;
	bool slow; /* a call takes long enough for the loop to look who else has come */
};

static void take_long(void)
{
	uint64_t until = clock_mono_us() + DIA_LOOP_LOOK_US;

	while (clock_mono_us() < until)
		;
}

static bool on_ready(struct dia_fd *f, uint32_t events, unsigned *budget)
{
	struct end *e = (struct end *)f;
	char octets[BUDGET];
	ssize_t n = 0;

	e->calls++;
	e->seen |= events;
	if (e->victim) {
		dia_loop_del(e->loop, &e->victim->f);
		close(e->victim->f.fd);
		free(e->victim);
		e->victim = NULL;
	}
	while (*budget && (n = read(f->fd, octets, *budget)) > 0) {
		e->served += (unsigned)n;
		*budget -= (unsigned)n;
	}
	if (e->wakes && e->served >= e->wakes_at && write(e->wakes, "", 1) == 1)
		e->wakes = 0;
	if (e->notes)
		e->noted = e->notes->served;
	if (e->slow)
		take_long();
	return n > 0;
}

static struct end *end_new(struct dia_loop *l)
{
	struct end *e = calloc(1, sizeof(*e));
	int sv[2];

	ck_assert(e && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) == 0);
	e->f = (struct dia_fd){ .fd = sv[0], .on_ready = on_ready };
	e->loop = l;
	e->peer = sv[1];
	ck_assert_int_eq(dia_loop_add(l, &e->f), 0);
	return e;
}

static void end_free(struct end *e)
{
	dia_loop_del(e->loop, &e->f);
	close(e->f.fd);
	close(e->peer);
	free(e);
}

static void say(struct end *e, size_t n)
{
	char octets[4096] = { 0 };

	while (n) {
		ssize_t w = write(e->peer, octets, n < sizeof(octets) ? n : sizeof(octets));

		if (w < 0)
			return; /* full: flooded enough */
		n -= (size_t)w;
	}
}

START_TEST(test_quiet_beside_floods)
{
	struct dia_loop *l = dia_loop_new();
	struct end *flood[FLOODS], *quiet = end_new(l);
	unsigned turns = 0, least = ~0u, most = 0;

	for (size_t i = 0; i < FLOODS; i++)
		flood[i] = end_new(l);
	for (int round = 0; round < 200; round++) {
		unsigned before = quiet->served, waited = 0;

		for (size_t i = 0; i < FLOODS; i++)
			say(flood[i], 1000);
		say(quiet, 1);
		for (; quiet->served == before; waited++, turns++)
			dia_loop_turn(l, BUDGET);
		ck_assert_msg(waited <= FLOODS + 1, "the quiet one waited %u turns", waited);
	}
	for (size_t i = 0; i < FLOODS; i++) {
		least = flood[i]->served < least ? flood[i]->served : least;
		most = flood[i]->served > most ? flood[i]->served : most;
	}
	ck_assert_msg(most - least <= 2 * BUDGET, "one flood got %u, another %u in %u turns", most, least, turns);
	for (size_t i = 0; i < FLOODS; i++)
		end_free(flood[i]);
	end_free(quiet);
	dia_loop_free(l);
}
END_TEST

/* Somebody comes while a flood is served: it waits for a few messages, and not for the end of the turn. */
START_TEST(test_a_flood_is_cut_for_who_comes)
{
	struct dia_loop *l = dia_loop_new();
	struct end *flood = end_new(l), *quiet = end_new(l);

	while (dia_loop_turn(l, BUDGET))
		;
	say(flood, BUDGET);
	flood->slow = true;
	flood->wakes = quiet->peer;
	flood->wakes_at = 16;
	quiet->notes = flood;
	dia_loop_turn(l, BUDGET);
	ck_assert_uint_eq(quiet->served, 1);
	ck_assert_uint_eq(quiet->noted, 16);
	ck_assert_uint_ge(flood->served, BUDGET - 4); /* who goes on in the same turn */
	end_free(flood);
	end_free(quiet);
	dia_loop_free(l);
}
END_TEST

/* Many that come again and again do not keep waiting for ever who sends much. */
START_TEST(test_a_flood_has_its_turn)
{
	struct dia_loop *l = dia_loop_new();
	struct end *quiet[BUDGET], *flood = end_new(l);

	for (size_t i = 0; i < BUDGET; i++)
		quiet[i] = end_new(l);
	say(flood, 4000);
	for (int turn = 0; turn < 10; turn++) {
		for (size_t i = 0; i < BUDGET; i++)
			say(quiet[i], 1);
		dia_loop_turn(l, BUDGET);
	}
	ck_assert_uint_ge(flood->served, 10 * 8);
	for (size_t i = 0; i < BUDGET; i++)
		end_free(quiet[i]);
	end_free(flood);
	dia_loop_free(l);
}
END_TEST

static bool is_due(void *owner)
{
	return *(bool *)owner;
}

/* And others on the thread, which the loop does not serve itself */
START_TEST(test_a_flood_is_cut_for_who_is_beside)
{
	struct dia_loop *l = dia_loop_new();
	struct end *flood = end_new(l);
	bool due = false;
	int other[2];
	struct dia_beside beside = { { -1, 0 }, is_due, &due };

	ck_assert_int_eq(pipe(other), 0);
	beside.fds[1] = other[0];
	dia_loop_beside(l, &beside);
	say(flood, BUDGET);
	flood->slow = true;
	flood->wakes = other[1];
	flood->wakes_at = 24;
	ck_assert(dia_loop_turn(l, BUDGET));
	ck_assert_uint_eq(flood->served, 24);
	ck_assert(dia_loop_turn(l, BUDGET)); /* it goes on though the other does not read */
	ck_assert_uint_eq(flood->served, 28);
	ck_assert_int_eq(read(other[0], &due, 1), 1);
	due = true;
	ck_assert(dia_loop_turn(l, BUDGET));
	ck_assert_uint_eq(flood->served, 32);
	due = false;
	dia_loop_turn(l, BUDGET);
	ck_assert_uint_eq(flood->served, BUDGET);
	end_free(flood);
	dia_loop_free(l);
	close(other[0]);
	close(other[1]);
}
END_TEST

static bool count_looks(void *owner)
{
	++*(unsigned *)owner;
	return false;
}

/* To look is a system call, so it is done by time and not by messages, which may cost next to nothing. */
START_TEST(test_it_is_looked_by_time)
{
	struct dia_loop *l = dia_loop_new();
	struct end *flood = end_new(l);
	unsigned looks = 0, before;
	struct dia_beside beside = { { -1, -1 }, count_looks, &looks };
	uint64_t began;

	dia_loop_beside(l, &beside);
	for (int turn = 0; turn < 20; turn++) {
		say(flood, BUDGET);
		before = looks;
		began = clock_mono_us();
		dia_loop_turn(l, BUDGET);
		ck_assert_uint_le(looks - before, (clock_mono_us() - began) / DIA_LOOP_LOOK_US);
	}
	ck_assert_uint_eq(flood->served, 20 * BUDGET);
	end_free(flood);
	dia_loop_free(l);
}
END_TEST

START_TEST(test_end_within_a_batch)
{
	struct dia_loop *l = dia_loop_new();
	struct end *killer = end_new(l), *victim = end_new(l);
	int peer = victim->peer;

	while (dia_loop_turn(l, BUDGET))
		;
	killer->victim = victim;
	say(killer, 1);
	say(victim, 1);
	while (dia_loop_turn(l, BUDGET)) /* both are in one batch; the second must not be called, it is freed */
		;
	ck_assert_uint_eq(killer->served, 1);
	ck_assert_ptr_null(killer->victim);
	close(peer);
	end_free(killer);
	dia_loop_free(l);
}
END_TEST

static bool end_ourselves(struct dia_fd *f, uint32_t events, unsigned *budget)
{
	struct end *e = (struct end *)f;

	end_free(e);
	return true; /* as one does who still had something to do */
}

START_TEST(test_end_of_the_one_called)
{
	struct dia_loop *l = dia_loop_new();
	struct end *e = end_new(l);

	e->f.on_ready = end_ourselves;
	ck_assert(!dia_loop_turn(l, BUDGET));
	ck_assert(!dia_loop_turn(l, BUDGET));
	dia_loop_free(l);
}
END_TEST

START_TEST(test_what_is_left_is_told)
{
	struct dia_loop *l = dia_loop_new();
	struct end *e = end_new(l);

	say(e, 3 * BUDGET);
	ck_assert(dia_loop_turn(l, BUDGET));
	ck_assert_uint_eq(e->served, BUDGET);
	while (dia_loop_turn(l, BUDGET))
		;
	ck_assert_uint_eq(e->served, 3 * BUDGET);
	end_free(e);
	dia_loop_free(l);
}
END_TEST

START_TEST(test_a_peer_that_leaves)
{
	struct dia_loop *l = dia_loop_new();
	struct end *e = end_new(l);

	while (dia_loop_turn(l, BUDGET))
		;
	shutdown(e->peer, SHUT_WR);
	dia_loop_wait(l, 1000);
	dia_loop_turn(l, BUDGET);
	ck_assert(e->seen & EPOLLRDHUP);
	end_free(e);
	dia_loop_free(l);
}
END_TEST

/* Timers: the order is by time whatever the order of starting, stopping and moving. */
struct alarm {
	struct dia_timer t;
	struct dia_loop *loop;
	unsigned rings, again;
};

static uint64_t last_at;

static void on_time(struct dia_timer *t)
{
	struct alarm *a = (struct alarm *)t;

	ck_assert_uint_ge(t->at_ms, last_at);
	last_at = t->at_ms;
	a->rings++;
	if (a->again)
		dia_loop_timer(a->loop, t, 0);
}

START_TEST(test_timers)
{
	struct dia_loop *l = dia_loop_new();
	struct alarm a[500] = { 0 };
	uint64_t until;

	last_at = 0;
	srand(7);
	for (size_t i = 0; i < 500; i++) {
		a[i] = (struct alarm){ .t.on_time = on_time, .loop = l };
		dia_loop_timer(l, &a[i].t, (uint64_t)(rand() % 50));
	}
	for (size_t i = 0; i < 500; i += 3)
		dia_loop_timer_stop(l, &a[i].t);
	for (size_t i = 1; i < 500; i += 3)
		dia_loop_timer(l, &a[i].t, (uint64_t)(rand() % 50));
	until = clock_mono_ms() + 60;
	while (clock_mono_ms() <= until) {
		dia_loop_wait(l, 10);
		dia_loop_turn(l, BUDGET);
	}
	for (size_t i = 0; i < 500; i++)
		ck_assert_uint_eq(a[i].rings, i % 3 != 0);
	dia_loop_free(l);
}
END_TEST

/* Started outside of a turn, long after the last one: its time counts from now. */
START_TEST(test_timer_between_turns)
{
	struct dia_loop *l = dia_loop_new();
	struct alarm a = { .t.on_time = on_time, .loop = l };
	uint64_t begun;

	dia_loop_turn(l, BUDGET);
	for (begun = clock_mono_ms(); clock_mono_ms() < begun + 30;)
		usleep(1000);
	begun = clock_mono_ms();
	dia_loop_timer(l, &a.t, 20);
	ck_assert_uint_ge(a.t.at_ms, begun + 20);
	dia_loop_timer_stop(l, &a.t);
	dia_loop_free(l);
}
END_TEST

START_TEST(test_a_timer_of_nothing_holds_up_nobody)
{
	struct dia_loop *l = dia_loop_new();
	struct alarm a = { .t.on_time = on_time, .loop = l, .again = 1 };

	last_at = 0;
	dia_loop_timer(l, &a.t, 0);
	dia_loop_turn(l, BUDGET);
	ck_assert_uint_eq(a.rings, 1);
	dia_loop_timer_stop(l, &a.t);
	dia_loop_free(l);
}
END_TEST

START_TEST(test_the_one_descriptor_tells)
{
	struct dia_loop *l = dia_loop_new();
	struct alarm a = { .t.on_time = on_time, .loop = l };
	uint64_t began = clock_mono_ms();

	last_at = 0;
	dia_loop_turn(l, BUDGET);
	dia_loop_timer(l, &a.t, 60000);
	dia_loop_timer(l, &a.t, 20); /* earlier than what is set: must be set anew */
	for (unsigned rings = 1; rings <= 3; rings++) {
		while (a.rings < rings) {
			dia_loop_wait(l, 5000);
			dia_loop_turn(l, BUDGET);
		}
		dia_loop_timer(l, &a.t, 20);
	}
	dia_loop_timer_stop(l, &a.t);
	ck_assert_uint_lt(clock_mono_ms() - began, 4000);
	dia_loop_free(l);
}
END_TEST

/* Words from other threads: none lost, each once, in order of each thread. */
struct word {
	struct dia_post p;
	unsigned from, number;
};

#define THREADS 4
#define WORDS   5000

static struct dia_loop *posted_to;
static unsigned heard[THREADS], heard_stopping;
static pthread_barrier_t start_line;

static void on_word(struct dia_post *p, bool stopping)
{
	struct word *w = (struct word *)p;

	if (stopping)
		heard_stopping++;
	else
		ck_assert_uint_eq(w->number, heard[w->from]++);
	free(w);
}

static struct word *word_new(unsigned from, unsigned number)
{
	struct word *w = calloc(1, sizeof(*w));

	ck_assert_ptr_nonnull(w);
	*w = (struct word){ .p.run = on_word, .from = from, .number = number };
	return w;
}

static void *talk(void *arg)
{
	unsigned from = (unsigned)(uintptr_t)arg;

	pthread_barrier_wait(&start_line);
	for (unsigned i = 0; i < WORDS; i++)
		dia_loop_post(posted_to, &word_new(from, i)->p);
	return NULL;
}

START_TEST(test_words)
{
	pthread_t t[THREADS];
	bool all = false;

	posted_to = dia_loop_new();
	pthread_barrier_init(&start_line, NULL, THREADS);
	for (uintptr_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, talk, (void *)i), 0);
	while (!all) {
		dia_loop_wait(posted_to, -1);
		dia_loop_turn(posted_to, BUDGET);
		all = true;
		for (size_t i = 0; i < THREADS; i++)
			all = all && heard[i] == WORDS;
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	dia_loop_post(posted_to, &word_new(0, 0)->p);
	dia_loop_free(posted_to);
	ck_assert_uint_eq(heard_stopping, 1);
	pthread_barrier_destroy(&start_line);
}
END_TEST

SUITE("dia_loop", test_quiet_beside_floods, test_a_flood_is_cut_for_who_comes, test_a_flood_has_its_turn,
      test_a_flood_is_cut_for_who_is_beside, test_it_is_looked_by_time, test_end_within_a_batch,
      test_end_of_the_one_called, test_what_is_left_is_told, test_a_peer_that_leaves, test_timers,
      test_timer_between_turns, test_a_timer_of_nothing_holds_up_nobody, test_the_one_descriptor_tells, test_words)
