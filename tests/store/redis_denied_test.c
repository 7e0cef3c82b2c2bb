/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The store on Redis whose user is denied something while he uses it. Who may not say that he is one of those who use it has no lease from
 * then on, and tells nobody that a revocation is everywhere; a rotation says what it may not. */
#include "tests/store/redis_own.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <osmocom/core/select.h>

#include "bsf/store/backend.h"
#include "common/base/clock.h"
#include "tests/unit/suite.h"

#define LEASE_MS  1500
#define ENOUGH_MS 300 /* to look many times */

/* On keys that begin with b, from now on, but for what the test does itself; links that are there go on. */
static void may(const char *keys)
{
	ask((const char *const[]){ "ACL", "SETUSER", "default", "resetkeys", "clearselectors", "~c*", "~s*", "~i*",
				   "~t*", "~n*", "~m", "~k", "~r", "~marks", keys, "(+del +zrem ~bsfs)", NULL });
}

/* It can announce itself; it can only read who has; not even what the others say of themselves. */
static void may_all(void)
{
	may("~b*");
}

static void may_look(void)
{
	may("%R~b*");
}

static void may_list(void)
{
	may("%R~bsfs");
}

static void open_for(unsigned lease_ms, unsigned others_lease_ms)
{
	redis_server_start(&server, NULL);
	cfg = redis_cfg(&server.addr);
	cfg.lease_ms = lease_ms;
	cfg.others_lease_ms = others_lease_ms;
	harness_open_redis(&h, &cfg);
	ck_assert_int_eq(revoke_naf(&h, "first.example.com"), 0); /* from now on the link is old enough */
	may_all();
}

static void turn_for(unsigned ms)
{
	for (uint64_t until = clock_mono_ms() + ms; clock_mono_ms() < until; usleep(500))
		osmo_select_main(1);
}

/* One that is not known to be everywhere, until it may be; what it comes to then. */
static int revoked_once(void (*allow)(void))
{
	h.answered = false;
	ck_assert_ptr_null(store_revoke_naf(h.st, "naf.example.com", 9));
	turn_for(ENOUGH_MS);
	ck_assert_msg(!h.answered, "told as revoked");
	allow();
	while (!h.answered)
		osmo_select_main(0);
	return h.a.rc;
}

/* Who is not listed may not see others that are not either */
START_TEST(not_listed)
{
	open_for(20000, 100);
	may_look();
	usleep(2000);
	ask((const char *const[]){ "DEL", "bsfs", NULL });
	ck_assert_int_eq(revoked_once(may_all), 0);
	ck_assert_uint_eq(h.spread.bsfs, 1);
	close_all();
}
END_TEST

#define SILENT "0123456789abcdef"

static void silent_goes(void)
{
	ask((const char *const[]){ "ZREM", "bsfs", SILENT, NULL });
}

/* What one says of itself cannot be read: it is not as if it said nothing */
START_TEST(unread)
{
	open_for(20000, 100);
	ask((const char *const[]){ "ZADD", "bsfs", "9999999999999", SILENT, NULL });
	may_list();
	ck_assert_int_eq(revoked_once(silent_goes), 0);
	ck_assert_uint_eq(h.spread.bsfs, 1);
	close_all();
}
END_TEST

/* It is listed, and has said nothing of itself: it may serve as long as any other may */
START_TEST(says_nothing)
{
	uint64_t from;

	open_for(20000, 600);
	ask((const char *const[]){ "ZADD", "bsfs", "9999999999999", SILENT, NULL });
	from = clock_mono_ms();
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_ge(clock_mono_ms() - from, 600);
	ck_assert_uint_eq(h.spread.bsfs, 2);
	ck_assert_uint_eq(h.spread.confirmed, 1);
	ck_assert_str_eq(h.spread.late, SILENT);
	close_all();
}
END_TEST

static const char crowd[] =
	"for n = 1, 70 do local name = string.format('%016d', n)"
	" redis.call('ZADD', 'bsfs', 9999999999999, name) redis.call('SET', 'b' .. name, ARGV[1]) end return 1";

static void crowd_goes(void)
{
	ask((const char *const[]){
		"EVAL", "for n = 1, 70 do redis.call('ZREM', 'bsfs', string.format('%016d', n)) end return 1", "0",
		NULL });
}

/* More than can be looked at: of the rest it is not known who has it */
START_TEST(too_many)
{
	open_for(20000, 100);
	ask((const char *const[]){ "EVAL", crowd, "0", "9999999999999 60000 a-host/1", NULL });
	ck_assert_int_eq(revoked_once(crowd_goes), 0);
	close_all();
}
END_TEST

static const struct store_answer *asked(enum store_op op, const struct gba_session *s, const struct gba_challenge *c)
{
	struct btid id = btid_of(s);

	switch (op) {
	case STORE_PUT:
		return store_put(h.st, s, 7);
	case STORE_GET:
		return store_get(h.st, &id, 7);
	case STORE_USE:
		return store_use(h.st, s, "naf.example.com", 7);
	case STORE_CHALLENGE_PUT:
		return store_challenge_put(h.st, c, NULL, 7);
	default:
		return store_challenge_take(h.st, gba_challenge_key(c), 7);
	}
}

/* Without a lease nothing is begun, and what was under way is not served; it is as before when the lease is there again */
START_TEST(lease_is_over)
{
	static const enum store_op ops[] = { STORE_PUT, STORE_GET, STORE_USE, STORE_CHALLENGE_PUT,
					     STORE_CHALLENGE_TAKE };
	struct gba_session there = session_make(1, IMPI_1, BSF_A, true), next = session_make(2, IMPI_1, BSF_B, true);
	struct gba_challenge put_before = challenge_make(1, 60000), put_then = challenge_make(2, 60000);
	struct btid id = btid_of(&there), id_next = btid_of(&next);

	open_for(LEASE_MS, 100);
	ck_assert_int_eq(put(&h, &there), 0);
	ck_assert_int_eq(challenge_put(&h, &put_before), 0);
	ck_assert_uint_eq(use(&h, &id, "naf.example.com"), 1);
	next.made_ms = store_clock_ms(h.st);
	may_look();
	h.answered = false;
	ck_assert_msg(!store_get(h.st, &id, 7), "its lease cannot be over yet");
	while (!store_lease_over(h.sh))
		usleep(1000);
	while (!h.answered)
		osmo_select_main(0);
	ck_assert_int_eq(h.a.rc, -ESTALE);
	ck_assert_int_eq(store_end(-ESTALE), STORE_REFUSED);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		const struct store_answer *now = asked(ops[i], ops[i] == STORE_PUT ? &next : &there,
						       ops[i] == STORE_CHALLENGE_PUT ? &put_then : &put_before);

		ck_assert_msg(now && now->rc == -ESTALE, "call %d is begun", ops[i]);
	}
	may_all();
	store_wait_up(h.st);
	ck_assert_int_eq(get(&h, &id_next), -ENOENT);
	ck_assert_int_eq(challenge_take(&h, &put_then), -ENOENT);
	ck_assert_int_eq(challenge_take(&h, &put_before), 0);
	ck_assert_uint_eq(use(&h, &id, "naf.example.com"), 2);
	close_all();
}
END_TEST

/* A rotation that may not go on says what it is that it may not, whichever of its steps that is */
START_TEST(rotation)
{
	static const struct {
		const char *denied;
		enum reseal_what what;
	} rows[] = { { "-scan", RESEAL_SEAL }, { "-scan", RESEAL_COUNT }, { "-getrange", RESEAL_COUNT },
		     { "-get", RESEAL_LOAD },  { "-set", RESEAL_SEAL },   { "-del", RESEAL_END } };
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);

	open_with(NULL);
	ck_assert_int_eq(put(&h, &s), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reseal_step step = { .what = rows[i].what };

		ask((const char *const[]){ "ACL", "SETUSER", "default", "+@all", rows[i].denied, NULL });
		ck_assert_msg(reseal(&h, &step) == -ENOTCONN, "%s", rows[i].denied);
		ck_assert_msg(step.came.why && strstr(step.came.why, "may not: SCAN, GETRANGE, SET and DEL"), "%s: %s",
			      rows[i].denied, step.came.why ? step.came.why : "nothing is said");
	}
	ask((const char *const[]){ "ACL", "SETUSER", "default", "+@all", NULL });
	ck_assert_int_eq(reseal(&h, &(struct reseal_step){ .what = RESEAL_COUNT }), 0);
	close_all();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { not_listed, unread, says_nothing, too_many, lease_is_over, rotation };

	if (redis_server_is_there())
		return suite_run("store on Redis, denied something", NULL, NULL, tests,
				 sizeof(tests) / sizeof(tests[0]));
	puts("skipped: there is no redis-server (Debian: redis-server)");
	return 77;
}
