/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* "grace, default 0": what is served, and for how long it is waited, where somebody serves his own sessions without knowing what is revoked. */
#include "tests/store/redis_own.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <osmocom/core/select.h>

#include "bsf/store/backend.h"
#include "common/base/clock.h"
#include "tests/unit/suite.h"

#define LEASE_MS  1000
#define GRACE_MS  3000
#define OTHERS_MS 100

static void open_for(unsigned grace_ms)
{
	cfg = redis_cfg(&server.addr);
	cfg.lease_ms = LEASE_MS;
	cfg.grace_ms = grace_ms;
	cfg.others_lease_ms = OTHERS_MS;
	harness_open_redis(&h, &cfg);
}

static void turn_until_over(bool (*over)(const struct store_shared *sh))
{
	while (!over(h.sh)) {
		osmo_select_main(1);
		usleep(500);
	}
}

/* Nothing is confirmed any more, by anybody; links that are there go on, and what is asked by them is answered. */
static void nothing_is_confirmed(void)
{
	ask((const char *const[]){ "ACL", "SETUSER", "default", "resetkeys", "~c*", "~s*", "~i*", "~t*", "~n*", "~m",
				   "~k", "~r", NULL });
}

/* What it has made it serves until the grace is over, and nothing that another one has; nothing new is made in it. What is known to be revoked is
 * not served in it either. */
START_TEST(own_alone)
{
	struct gba_session own = session_make(1, "u1@example.org", BSF_A, true);
	struct gba_session gone = session_make(2, "u2@example.org", BSF_A, true);
	struct gba_session foreign = session_make(3, "u3@example.org", BSF_A, true);
	struct gba_session late = session_make(4, "u4@example.org", BSF_A, true);
	struct btid id = btid_of(&own), id_gone = btid_of(&gone), id_foreign = btid_of(&foreign);
	struct gba_session found = { .guss = NULL };
	struct store_links l;

	redis_server_start(&server, NULL);
	open_for(0);
	ck_assert_int_eq(put(&h, &foreign), 0);
	harness_close(&h);
	open_for(GRACE_MS);
	ck_assert_int_eq(put(&h, &own), 0);
	ck_assert_int_eq(put(&h, &gone), 0);
	ck_assert_int_eq(get(&h, &id_foreign), 0);
	ck_assert_int_eq(revoke_btid(&h, &id_gone), 0);
	nothing_is_confirmed();
	turn_until_over(store_lease_over);
	ck_assert(store_shared_links(h.sh, &l));
	ck_assert(!l.lease && l.grace_left_ms > 0 && l.grace_left_ms <= GRACE_MS);
	ck_assert_int_eq(get(&h, &id), 0);
	gba_session_copy(&found, &h.session);
	ck_assert_int_eq(use_again(&h, &found, "naf.example.com"), 0);
	ck_assert_int_eq(get(&h, &id_foreign), -ESTALE);
	ck_assert_int_ne(get(&h, &id_gone), 0);
	late.made_ms = store_clock_ms(h.st);
	ck_assert_int_eq(put(&h, &late), -ESTALE);
	ck_assert(!store_grace_over(h.sh)); /* all of that was within it */
	turn_until_over(store_grace_over);
	ck_assert_int_eq(get(&h, &id), -ESTALE);
	gba_session_clear(&found);
	close_all();
}
END_TEST

/* Without it nothing is served from the end of the lease on */
START_TEST(none_is_the_default)
{
	struct gba_session own = session_make(1, "u1@example.org", BSF_A, true);
	struct btid id = btid_of(&own);

	redis_server_start(&server, NULL);
	open_for(0);
	ck_assert_int_eq(put(&h, &own), 0);
	nothing_is_confirmed();
	turn_until_over(store_lease_over);
	ck_assert_int_eq(get(&h, &id), -ESTALE);
	close_all();
}
END_TEST

/* Who has one says so there; and who comes later waits for the longest there was, as long as one may not have said again that he is there */
START_TEST(is_told_and_waited_for)
{
	static const char said[] =
		"return string.match(redis.call('GET', 'b' .. redis.call('ZRANGE', 'bsfs', 0, 0)[1]), '^%d+ (%d+) ')";
	uint64_t from;

	redis_server_start(&server, NULL);
	open_for(GRACE_MS);
	ck_assert_int_eq(number((const char *const[]){ "EVAL", said, "0", NULL }), LEASE_MS + GRACE_MS);
	harness_close(&h);
	ask((const char *const[]){ "DEL", "bsfs",
				   NULL }); /* a replica that has heard of it, but not lately, takes its place */
	from = clock_mono_ms();
	open_for(0);
	ck_assert_int_eq(revoke_impi(&h, "u1@example.org"), 0);
	ck_assert_uint_ge(clock_mono_ms() - from, OTHERS_MS + GRACE_MS);
	from = clock_mono_ms();
	ck_assert_int_eq(revoke_impi(&h, "u2@example.org"), 0);
	ck_assert_uint_lt(clock_mono_ms() - from, GRACE_MS); /* by now everybody is known */
	close_all();
}
END_TEST

/* Whoever may write there cannot make each revocation wait for ever. */
START_TEST(no_end)
{
	redis_server_start(&server, NULL);
	ask((const char *const[]){ "ZADD", "bg", "9999999999999", "4294967295", NULL });
	open_for(0);
	for (unsigned i = 0; i < 500 && store_graces_ms(h.st) == 0; i++)
		(void)poll(NULL, 0, 10);
	ck_assert_uint_eq(store_graces_ms(h.st), STORE_GRACE_MAX_MS);
	close_all();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { own_alone, none_is_the_default, is_told_and_waited_for, no_end };

	if (redis_server_is_there())
		return suite_run("grace on Redis", NULL, NULL, tests, sizeof(tests) / sizeof(tests[0]));
	puts("skipped: there is no redis-server (Debian: redis-server)");
	return 77;
}
