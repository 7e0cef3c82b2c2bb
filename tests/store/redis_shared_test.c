/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The store on a Redis that others use, too: BSFs that take, count, revoke, are silent; and somebody who empties it. */
#include "tests/store/redis_own.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <osmocom/core/select.h>

#include "common/base/clock.h"
#include "bsf/store/backend.h"
#include "tests/unit/suite.h"

#define CHALLENGES 200
#define PROCESSES  3

static void take_all(atomic_uint *mine)
{
	struct harness own;

	harness_open_redis(&own, &cfg);
	for (unsigned n = 0; n < CHALLENGES; n++) {
		struct gba_challenge c = challenge_make(n, 60000);
		int rc = challenge_take(&own, &c);

		ck_assert(rc == 0 || rc == -EALREADY);
		atomic_fetch_add(mine, rc == 0);
	}
	harness_close(&own);
	_exit(0);
}

/* Each challenge is taken by one of the processes, once */
START_TEST(taken_once_of_all)
{
	atomic_uint *mine = mmap(NULL, sizeof(*mine), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	open_with(NULL);
	for (unsigned n = 0; n < CHALLENGES; n++) {
		struct gba_challenge c = challenge_make(n, 60000);

		ck_assert_int_eq(challenge_put(&h, &c), 0);
	}
	harness_close(&h);
	for (unsigned i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			take_all(mine);
	for (unsigned i = 0; i < PROCESSES; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_uint_eq(atomic_load(mine), CHALLENGES);
	redis_server_stop(&server);
	munmap(mine, sizeof(*mine));
}
END_TEST

/* Whoever puts it, it is counted together, until the time is over; what is not counted is not hindered */
START_TEST(counted_together)
{
	const struct store_count of_a = { span_str("a"), 2, 3 }, of_b = { span_str("b"), 2, 3 };
	struct harness other, *each[] = { &h, &other };
	struct gba_challenge c[8];
	uint64_t from;
	int rc;

	open_with(NULL);
	harness_open_redis(&other, &cfg);
	from = clock_mono_ms();
	for (unsigned i = 0; i < 8; i++)
		c[i] = challenge_make(i, 60000);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(challenge_put_counted(each[i % 2], &c[i], &of_a), i < 2 ? 0 : -EDQUOT);
	ck_assert_int_eq(store_end(-EDQUOT), STORE_DONE);
	ck_assert_int_eq(challenge_put_counted(&h, &c[4], &of_b), 0);
	ck_assert_int_eq(challenge_put(&h, &c[5]), 0);
	for (unsigned i = 6; (rc = challenge_put_counted(&other, &c[6], &of_a)) == -EDQUOT; i++) {
		c[6] = challenge_make(100 + i, 60000);
		usleep(50000);
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_ge(clock_mono_ms() - from, of_a.per_s * 1000 - 100);
	harness_close(&other);
	close_all();
}
END_TEST

/* Two processes find by the same names: what one has put the other revokes, also after somebody has emptied the server */
START_TEST(emptied)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true), again = session_make(2, IMPI_1, BSF_A, true);
	struct btid id = btid_of(&s), id_again = btid_of(&again);
	char there[64];
	struct harness other;

	open_with(NULL);
	ck_assert_int_eq(put(&h, &s), 0);
	harness_open_redis(&other, &cfg);
	ck_assert_int_eq(revoke_impi(&other, IMPI_1), 0);
	ck_assert_uint_eq(other.a.revoked, 1);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	harness_close(&other);
	ask((const char *const[]){ "FLUSHALL", NULL });
	do { /* it looks once a second */
		osmo_select_main(0);
		redis_server_ask(&server, there, sizeof(there), (const char *const[]){ "EXISTS", "m", NULL });
	} while (strcmp(there, "1") != 0);
	ck_assert_int_eq(put(&h, &again), 0);
	harness_open_redis(&other, &cfg);
	ck_assert_int_eq(revoke_impi(&other, IMPI_1), 0);
	ck_assert_uint_eq(other.a.revoked, 1);
	ck_assert_int_eq(get(&h, &id_again), -ENOENT);
	harness_close(&other);
	close_all();
}
END_TEST

/* Emptied under a link that goes on: who else is there may not have said so again, so it is waited for as long as others may serve */
START_TEST(emptied_of_others)
{
	uint64_t from;

	open_with(NULL);
	ck_assert_int_eq(revoke_impi(&h, "nobody@example.org"), 0); /* the link is old enough from then on */
	from = clock_mono_ms();
	ask((const char *const[]){ "FLUSHALL", NULL });
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_ge(clock_mono_ms() - from, cfg.others_lease_ms);
	close_all();
}
END_TEST

/* Does anybody say to hold the last of them? */
static const char held[] =
	"local last = tonumber(redis.call('ZRANGE', 'marks', -1, -1, 'WITHSCORES')[2]) or math.huge "
	"for _, k in ipairs(redis.call('ZRANGE', 'bsfs', 0, -1)) do "
	"if tonumber(string.match(redis.call('GET', 'b' .. k) or '0', '^%d+')) >= last then return '1' end end return '0'";

static void mark_there(char n, int64_t until_ms)
{
	char member[40], score[24];

	snprintf(member, sizeof(member), "\1\1not of this tes%c%015d", n, 1);
	snprintf(score, sizeof(score), "%lld", (long long)until_ms);
	ask((const char *const[]){ "ZADD", "marks", score, member, NULL });
}

/* More marks than it may hold: from then on, whatever is left of its lease, it serves nothing, until some of them are over; nor does it say
 * that it has them */
START_TEST(too_many_marks)
{
	uint64_t from;

	redis_server_start(&server, NULL);
	cfg = redis_cfg(&server.addr);
	cfg.marks_max = 2;
	cfg.sweep_ms = 100;
	harness_open_redis(&h, &cfg);
	from = clock_mono_ms();
	for (char n = 'a'; n < 'd'; n++)
		mark_there(n, (int64_t)clock_wall_ms() + 1500 + n);
	while (!store_lease_over(h.sh))
		osmo_select_main(1);
	ck_assert_uint_lt(clock_mono_ms() - from, cfg.lease_ms);
	ck_assert_int_eq(number((const char *const[]){ "EVAL", held, "0", NULL }), 0);
	store_wait_up(h.st);
	close_all();
}
END_TEST

#define SILENT "0123456789abcdef"

/* A BSF that has announced itself, and holds no mark. \param[in] said held, lease in ms, where it is */
static void silent_one(const char *said)
{
	ask((const char *const[]){ "ZADD", "bsfs", "9999999999999", SILENT, NULL });
	ask((const char *const[]){ "SET", "b" SILENT, said, NULL });
}

/* Who does not say that it has a mark is waited for as long as it may serve without, and named; a link that is lost meanwhile leaves
 * it unknown */
START_TEST(who_is_silent_is_waited_for)
{
	uint64_t from;

	open_with(NULL);
	silent_one("0 700 a-host/1");
	from = clock_mono_ms();
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_ge(clock_mono_ms() - from, 700);
	ck_assert_uint_eq(h.spread.bsfs, 2);
	ck_assert_uint_eq(h.spread.confirmed, 1);
	ck_assert_str_eq(h.spread.late, "a-host/1");
	silent_one("0 60000 a-host/1");
	h.answered = false;
	ck_assert_ptr_null(store_revoke_naf(h.st, "naf.example.com", 9)); /* behind the mark nothing more is written */
	do {                                                              /* its mark is there */
		osmo_select_main(1);
	} while (number((const char *const[]){ "ZCARD", "marks", NULL }) < 2);
	usleep(100000);
	redis_server_stop(&server);
	while (!h.answered)
		osmo_select_main(0);
	ck_assert_int_eq(h.a.rc, -EIO);
	close_all();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { taken_once_of_all, counted_together, emptied,
				       emptied_of_others, too_many_marks,   who_is_silent_is_waited_for };

	if (redis_server_is_there())
		return suite_run("store on a shared Redis", NULL, NULL, tests, sizeof(tests) / sizeof(tests[0]));
	puts("skipped: there is no redis-server (Debian: redis-server)");
	return 77;
}
