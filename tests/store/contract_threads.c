/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The contract of every store, as far as it is about many calls at once, of one thread and of several, and its end meanwhile. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include "common/rt/deadline.h"
#include "tests/store/contract.h"

/* Stopped: each call is refused, what was under way ends */
CASE(stopped)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct btid id = btid_of(&s);

	s.made_ms = store_clock_ms(h.st);
	h.next_txn = 7;
	bool later = !store_put(h.st, &s, 7);
	store_stop(h.st);
	ck_assert_int_eq(store_idle(h.st), !later);
	ck_assert_int_eq(store_get(h.st, &id, 8)->rc, -ESHUTDOWN);
	ck_assert_int_eq(store_end(-ESHUTDOWN), STORE_REFUSED);
	while (!store_idle(h.st))
		osmo_select_main(0);
	ck_assert_int_eq(h.answered, later);
	ck_assert_int_eq(h.a.rc, 0);
}

/* Many under way at once: each answered once; beyond the bound refused in the call */
static unsigned answers_seen;

static void count_answer(void *owner, uint64_t txn, const struct store_answer *a)
{
	uint8_t *seen = owner;

	ck_assert_uint_eq(seen[txn]++, 0);
	ck_assert_int_eq(a->rc, 0);
	answers_seen++;
}

static void put_nth(struct store *st, unsigned n, int *rc)
{
	const struct store_answer *a;
	struct gba_session s;
	char impi[64];

	snprintf(impi, sizeof(impi), "u%u@example.org", n);
	s = session_make(n, impi, BSF_A, n % 2);
	s.made_ms = store_clock_ms(st);
	a = store_put(st, &s, n);
	*rc = a ? a->rc : -EINPROGRESS;
}

CASE(many_under_way)
{
	static uint8_t seen[20000];
	unsigned n = 0, later = 0;
	struct store *st;
	int rc;

	memset(seen, 0, sizeof(seen));
	answers_seen = 0;
	st = store_new(NULL, h.sh, count_answer, seen);
	store_wait_up(st);
	do {
		put_nth(st, n++, &rc);
		later += rc == -EINPROGRESS;
	} while ((rc == 0 || rc == -EINPROGRESS) && n < sizeof(seen));
	ck_assert_int_eq(rc, later ? -EBUSY : 0);
	ck_assert_uint_eq(answers_seen, 0);
	while (answers_seen < later)
		osmo_select_main(0);
	ck_assert(store_idle(st));
	talloc_free(st);
}

/* A store freed with calls under way: nothing is called any more, nothing leaks, what was accepted is done */
CASE(freed_under_way)
{
	static uint8_t seen[64];
	struct store *st = store_new(NULL, h.sh, count_answer, seen);
	struct store_figures f;
	int rc;

	memset(seen, 0, sizeof(seen));
	store_wait_up(st);
	for (unsigned n = 0; n < 50; n++) {
		put_nth(st, n, &rc);
		ck_assert(rc == 0 || rc == -EINPROGRESS);
	}
	talloc_free(
		st); /* waits until each is done, where that is in this process: answers would go to memory that is no more */
	if (backend >= REDIS)
		return;
	store_shared_figures(h.sh, &f);
	ck_assert_uint_eq(f.sessions, 50);
	for (unsigned n = 0; n < 50; n++) {
		struct gba_session s = session_make(n, "", BSF_A, true);
		struct btid id = btid_of(&s);

		ck_assert_uint_eq(seen[n], 0);
		ck_assert_int_eq(get(&h, &id), 0);
	}
}

/* Shards and library threads together: each session and challenge to exactly one, and readers see whole records */
#define THREADS 3
#define ROUNDS  150
static atomic_uint takers, rounds_done;
static pthread_barrier_t begin; /* all at once, else the first is done before the last begins */

struct shard_state {
	bool answered;
	int rc;
	struct gba_session session;
};

static void shard_answer(void *owner, uint64_t txn, const struct store_answer *a)
{
	struct shard_state *s = owner;

	s->answered = true;
	s->rc = a->rc;
	if (a->session)
		gba_session_copy(&s->session, a->session);
}

static int shard_wait(struct shard_state *s, const struct store_answer *a)
{
	if (a)
		shard_answer(s, 0, a);
	while (!s->answered)
		osmo_select_main(0);
	s->answered = false;
	return s->rc;
}

static void shard_round(struct store *st, struct shard_state *state, unsigned shard, unsigned n)
{
	struct gba_session s = session_make(1000 * (shard + 1) + n, n % 2 ? IMPI_1 : IMPI_2, BSF_A, true);
	struct gba_challenge c = challenge_make(n, 60000);
	struct btid id = btid_of(&s);
	int rc = shard_wait(state, store_challenge_put(st, &c, NULL, 1));

	ck_assert(rc == 0 || rc == -EEXIST);
	rc = shard_wait(state, store_challenge_take(st, gba_challenge_key(&c), 2));
	ck_assert(rc == 0 || rc == -EALREADY);
	if (rc == 0)
		atomic_fetch_add(&takers, 1);
	s.made_ms = store_clock_ms(st);
	rc = shard_wait(state, store_put(st, &s, 3));
	ck_assert(rc == 0 || rc == -EKEYREVOKED); /* another shard revokes them */
	rc = shard_wait(state, store_get(st, &id, 4));
	ck_assert(rc == 0 || rc == -ENOENT); /* another run of this IMPI may have replaced it */
	if (rc == 0) {
		assert_same_session(&state->session, &s);
		gba_session_clear(&state->session);
	}
	rc = shard_wait(state, store_find_tmpi(st, s.tmpi, 5));
	ck_assert(rc == 0 || rc == -ENOENT);
	if (n % 20 == 19)
		ck_assert_int_eq(shard_wait(state, store_revoke_impi(st, IMPI_1, 6)), 0);
}

static void *shard_thread(void *arg)
{
	struct shard_state state = { 0 };
	struct store *st;

	osmo_ctx_init("shard");
	osmo_select_init();
	st = store_new(NULL, h.sh, shard_answer, &state);
	store_wait_up(st);
	pthread_barrier_wait(&begin);
	for (unsigned n = 0; n < ROUNDS; n++)
		shard_round(st, &state, *(unsigned *)arg, n);
	talloc_free(st);
	talloc_free(osmo_ctx);
	atomic_fetch_add(&rounds_done, 1);
	return NULL;
}

static void *reader_thread(void *arg)
{
	struct shard_state state = { 0 };
	struct store *st;
	unsigned n = 0;

	osmo_ctx_init("reader");
	osmo_select_init();
	st = store_new(NULL, h.sh, shard_answer, &state);
	store_wait_up(st);
	pthread_barrier_wait(&begin);
	while (atomic_load(&rounds_done) < THREADS) {
		unsigned which = 1000 * (1 + n % THREADS) + n / THREADS % ROUNDS;
		struct gba_session s = session_make(which, IMPI_1, BSF_A, true);
		struct btid id = btid_of(&s);

		if (shard_wait(&state, store_get(st, &id, 1)) == 0) {
			ck_assert(secret_equal(&state.session.ks, &s.ks));
			gba_session_clear(&state.session);
		}
		n++;
	}
	talloc_free(st);
	talloc_free(osmo_ctx);
	return NULL;
}

CASE(threads)
{
	pthread_t t[THREADS], reader;
	unsigned shard[THREADS];
	struct store_figures f;

	atomic_store(&takers, 0);
	atomic_store(&rounds_done, 0);
	pthread_barrier_init(&begin, NULL, THREADS + 1);
	pthread_create(&reader, NULL, reader_thread, NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		shard[i] = i;
		pthread_create(&t[i], NULL, shard_thread, &shard[i]);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	pthread_join(reader, NULL);
	ck_assert_uint_eq(atomic_load(&takers), ROUNDS);
	store_shared_figures(h.sh, &f);
	ck_assert_msg(f.sessions <= 2 && f.tmpis <= 2, "%u sessions, %u TMPIs of two IMPIs", (unsigned)f.sessions,
		      (unsigned)f.tmpis);
}

void contract_threads_add(TCase *tc, int n)
{
	tcase_add_loop_test(tc, stopped, 0, n);
	tcase_add_loop_test(tc, many_under_way, 0, n);
	tcase_add_loop_test(tc, freed_under_way, 0, n);
	tcase_add_loop_test(tc, threads, 0, n);
}
