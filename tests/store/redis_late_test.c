/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The store on a Redis that stands still, is killed, is full, or is asked too much. */
#include "tests/store/redis_own.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

#include "common/base/clock.h"
#include "bsf/store/redis.h"
#include "tests/unit/suite.h"

static void open_with_timeout(unsigned ms)
{
	redis_server_start(&server, NULL);
	cfg = redis_cfg(&server.addr);
	cfg.timeout_ms = ms;
	harness_open_redis(&h, &cfg);
}

static void wait_down(void)
{
	while (((struct redis_part *)h.st->part)->is_up)
		osmo_select_main(0);
}

/* It stands still and goes on: what was asked meanwhile ends unknown after the deadline and is done later; then calls are refused at
 * once; afterwards it is as before. A put that was done so late makes no key that a revocation does not find. */
START_TEST(stands_still)
{
	struct gba_session old = session_make(1, IMPI_1, BSF_B, true), s = session_make(2, IMPI_1, BSF_A, true);
	struct gba_challenge late = challenge_make(1, 60000);
	struct btid id_old = btid_of(&old), id = btid_of(&s);
	uint64_t from;

	open_with_timeout(1000);
	ck_assert_int_eq(put(&h, &old), 0);
	s.made_ms = store_clock_ms(h.st);
	kill(server.pid, SIGSTOP);
	from = clock_mono_ms();
	ck_assert_int_eq(challenge_put(&h, &late), -EIO);
	ck_assert_int_eq(store_end(-EIO), STORE_UNKNOWN);
	ck_assert_uint_ge(clock_mono_ms() - from, 990);
	kill(server.pid, SIGCONT);
	ck_assert_msg(get(&h, &id_old) == 0, "it could have waited for the link");
	ck_assert_msg(challenge_take(&h, &late) == 0, "given up, and done all the same");
	kill(server.pid, SIGSTOP);
	ck_assert_int_eq(put(&h, &s), -EIO);
	kill(server.pid, SIGCONT);
	store_wait_up(h.st);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	ck_assert_int_eq(get(&h, &id_old), -ENOENT);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	ck_assert_int_ne(put(&h, &s), 0);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	close_all();
}
END_TEST

static void on_turn(void *turns, uint64_t txn, const struct store_answer *a)
{
	ck_assert_int_eq(a->rc, 0);
	ck_assert_uint_eq(txn, ++*(unsigned *)turns);
}

/* What waits for a link is begun in its turn */
START_TEST(in_their_turn)
{
	struct gba_challenge c = challenge_make(1, 60000);
	unsigned turns = 0;
	struct store *st;

	open_with(NULL);
	st = store_new(NULL, h.sh, on_turn, &turns);
	store_wait_up(st);
	ask((const char *const[]){ "CLIENT", "KILL", "TYPE", "normal", NULL });
	while (((struct redis_part *)st->part)->is_up)
		osmo_select_main(0);
	ck_assert_ptr_null(store_challenge_put(st, &c, NULL, 1));
	ck_assert_ptr_null(store_challenge_take(st, gba_challenge_key(&c), 2));
	while (turns < 2)
		osmo_select_main(0);
	talloc_free(st);
	close_all();
}
END_TEST

/* What waits for a link ends at the deadline; after three in a row calls are refused at once, until one greeting is answered; and a
 * deadline after that opens it again */
START_TEST(breaker)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct btid id = btid_of(&s);

	open_with_timeout(200);
	for (int i = 0; i < 2; i++) {
		const struct store_answer *now;

		kill(server.pid, SIGSTOP);
		ck_assert_int_eq(get(&h, &id), -EIO);
		ck_assert_int_eq(get(&h, &id), -ENOTCONN);
		ck_assert_int_eq(get(&h, &id), -ENOTCONN);
		now = store_get(h.st, &id, 7);
		ck_assert_msg(now && now->rc == -ENOTCONN, "it waits though three have waited in vain");
		kill(server.pid, SIGCONT);
		store_wait_up(h.st);
		ck_assert_int_eq(get(&h, &id), -ENOENT);
	}
	close_all();
}
END_TEST

/* Killed with calls under way: each ends unknown, none twice, and another server in its place is taken */
START_TEST(killed)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct btid id = btid_of(&s);

	open_with(NULL);
	ck_assert_int_eq(put(&h, &s), 0);
	kill(server.pid, SIGSTOP);
	ck_assert_ptr_null(store_get(h.st, &id, 7));
	redis_server_stop(&server);
	while (!h.answered || h.txn != 7) {
		h.answered = h.answered && h.txn == 7;
		osmo_select_main(0);
	}
	ck_assert_int_eq(h.a.rc, -EIO);
	wait_down();
	ck_assert_int_eq(get(&h, &id), -ENOTCONN);
	close_all();
}
END_TEST

static void wait_full(bool full)
{
	struct store_links l;

	do {
		osmo_select_main(0);
		ck_assert(store_shared_links(h.sh, &l));
	} while (l.full != full);
}

/* Its memory is full: nothing new, but keys that are there are found, and revocation works */
START_TEST(full)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true), other = session_make(2, IMPI_1, BSF_B, true);
	struct gba_challenge c = challenge_make(1, 60000), late = challenge_make(2, 60000);
	struct gba_session third = session_make(3, "001010000000003@ims.mnc001.mcc001.3gppnetwork.org", BSF_A, true);
	struct btid id = btid_of(&s), kept = btid_of(&third);

	open_with(NULL);
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(put(&h, &third), 0);
	ck_assert_int_eq(challenge_put(&h, &c), 0);
	ask((const char *const[]){ "CONFIG", "SET", "maxmemory", "1", NULL });
	ck_assert_int_eq(challenge_put(&h, &late), -ENOSPC);
	ck_assert_int_eq(challenge_take(&h, &c), -ENOSPC);
	ck_assert_int_eq(put(&h, &other), -ENOSPC);
	ck_assert_int_eq(get(&h, &id), 0);
	ck_assert_uint_eq(use(&h, &id, "naf.example.com"), 1);
	ck_assert_uint_eq(use(&h, &id, "naf.example.com"), 2);
	ck_assert_int_gt(number((const char *const[]){ "EVAL", "return redis.call('PTTL', redis.call('KEYS', 'n*')[1])",
						       "0", NULL }),
			 0); /* the count goes, too */
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	wait_full(true);
	/* who comes now finds what is there, and takes it as full */
	harness_close(&h);
	harness_open_redis(&h, &cfg);
	wait_full(true);
	ck_assert_int_eq(get(&h, &kept), 0);
	ck_assert_uint_eq(use(&h, &kept, "naf.example.com"), 1);
	ask((const char *const[]){ "CONFIG", "SET", "maxmemory", "0", NULL });
	wait_full(false);
	ck_assert_int_eq(challenge_take(&h, &c), 0);
	close_all();
}
END_TEST

static void on_reply(void *owner, const struct redisReply *r)
{
	--*(unsigned *)owner;
}

/* Who asks faster than is answered is refused, and nobody's answer is another's */
START_TEST(so_many_wait_for_a_reply)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct btid id = btid_of(&s);
	unsigned waiting = 0;
	struct redis_part *p;
	uint8_t key[REDIS_KEY_LEN];

	open_with(NULL);
	p = h.st->part;
	ck_assert_int_eq(put(&h, &s), 0);
	while (waiting <= REDIS_LINK_CALLS && redis_ask_key(p, redis_key_session(key, s.rand), on_reply, &waiting) == 0)
		waiting++;
	ck_assert_uint_le(waiting, REDIS_LINK_CALLS);
	while (waiting)
		osmo_select_main(0);
	ck_assert_int_eq(get(&h, &id), 0);
	close_all();
}
END_TEST

/* What cannot be sent yet is bounded in octets, too */
START_TEST(so_much_waits_to_be_sent)
{
	static uint8_t big[1 << 20];
	unsigned waiting = 0, at_once;
	struct redis_part *p;
	int rc;

	open_with(NULL);
	p = h.st->part;
	while ((rc = redis_ask_key(p, span_of(big, sizeof(big)), on_reply, &waiting)) == 0 && waiting < 64)
		waiting++;
	at_once = waiting;
	ck_assert_int_eq(rc, -EBUSY);
	while (waiting)
		osmo_select_main(0);
	ck_assert_uint_ge(at_once, REDIS_LINK_OCTETS / sizeof(big));
	ck_assert_uint_le(at_once, REDIS_LINK_OCTETS / sizeof(big) + 1);
	ck_assert_int_eq(redis_ask_key(p, span_of(big, sizeof(big)), on_reply, &waiting), 0);
	waiting++;
	while (waiting)
		osmo_select_main(0);
	close_all();
}
END_TEST

/* This process itself is late: what has come meanwhile is read, and nothing is given up, neither by a shard nor by who follows the marks */
START_TEST(late_ourselves)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct btid id = btid_of(&s);

	open_with_timeout(200);
	ck_assert_int_eq(put(&h, &s), 0);
	h.answered = false;
	ck_assert_ptr_null(store_get(h.st, &id, ++h.next_txn));
	osmo_select_main(1); /* it is sent */
	usleep(2 * 1000 * cfg.timeout_ms);
	while (!h.answered)
		osmo_select_main(0);
	ck_assert_int_eq(h.a.rc, 0);
	close_all();
}
END_TEST

/* \returns its nice value; INT_MAX: there is none of that name */
static int nice_of_thread(const char *name)
{
	DIR *d = opendir("/proc/self/task");
	int found = INT_MAX;

	for (struct dirent *e; d && (e = readdir(d));) {
		char path[300], is[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
		f = fopen(path, "r");
		if (f && fscanf(f, "%31s", is) == 1 && strcmp(is, name) == 0)
			found = getpriority(PRIO_PROCESS, (id_t)atoi(e->d_name));
		if (f)
			fclose(f);
	}
	closedir(d);
	return found;
}

/* Where everybody waits for the CPU, who follows the marks comes first, or the lease is over and nothing is served: where that is allowed
 * to us */
START_TEST(marks_come_first)
{
	int before = getpriority(PRIO_PROCESS, 0);
	bool may = setpriority(PRIO_PROCESS, 0, before - 1) == 0;

	(void)setpriority(PRIO_PROCESS, 0, before);
	open_with(NULL);
	ck_assert_int_le(nice_of_thread("marks"), may ? before - 1 : before);
	ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), before);
	close_all();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { stands_still,
				       in_their_turn,
				       breaker,
				       killed,
				       full,
				       so_many_wait_for_a_reply,
				       so_much_waits_to_be_sent,
				       late_ourselves,
				       marks_come_first };

	if (redis_server_is_there())
		return suite_run("store on a late Redis", NULL, NULL, tests, sizeof(tests) / sizeof(tests[0]));
	puts("skipped: there is no redis-server (Debian: redis-server)");
	return 77;
}
