/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The store on Redis: the permissions and scripts it lives on, and what lies there. */
#include "tests/store/redis_own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

#include "bsf/store/redis_script.h"
#include "tests/unit/suite.h"

/* As the manual has it. */
#define MAY \
	"~c* ~s* ~i* ~t* ~n* ~m ~marks ~b* ~k ~r -@all +get +getrange +set +del +scan +incr +pexpire +exists +pexpiretime +time +info +eval +evalsha +zadd +zscore +zrange +zrangebyscore +zremrangebyscore +wait"

/* A user who may no more than the manual says; and the server forgets the scripts meanwhile, as after a failover */
START_TEST(few_permissions)
{
	struct gba_session a = session_make(1, IMPI_1, BSF_A, true), b = session_make(2, IMPI_1, BSF_A, true);
	struct gba_challenge c = challenge_make(1, 60000);
	struct btid id_a = btid_of(&a), id_b = btid_of(&b);
	const char *const options[] = { "--user", "gba on >secret " MAY, NULL };

	redis_server_start(&server, options);
	cfg = redis_cfg(&server.addr);
	strcpy(cfg.user, "gba");
	secret_set(&cfg.password, "secret", 6);
	ask((const char *const[]){ "CONFIG", "SET", "requirepass", "x", NULL });
	harness_open_redis(&h, &cfg);
	ck_assert_int_eq(challenge_put(&h, &c), 0);
	ck_assert_int_eq(challenge_take(&h, &c), 0);
	ck_assert_int_eq(put(&h, &a), 0);
	ck_assert_int_eq(put(&h, &b), 0);
	ck_assert_int_eq(get(&h, &id_a), -ENOENT);
	ck_assert_int_eq(get(&h, &id_b), 0);
	ck_assert_int_eq(find_tmpi(&h, b.tmpi), 0);
	ck_assert_int_eq(push_guss(&h, IMPI_1, guss_blob_new(span_str("<guss/>")), 1000), 0);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	close_all();
}
END_TEST

START_TEST(scripts_forgotten)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct btid id = btid_of(&s);

	open_with(NULL);
	ask((const char *const[]){ "SCRIPT", "FLUSH", NULL });
	ck_assert_int_eq(put(&h, &s), 0);
	ask((const char *const[]){ "SCRIPT", "FLUSH", NULL });
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	close_all();
}
END_TEST

/* What a new run takes the place of: its session, its place in the list of its subscriber, and its TMPI */
START_TEST(nothing_is_left_of_the_former)
{
	static const char left[] = "local i = redis.call('KEYS', 'i*')[1] return #redis.call('KEYS', 's*') .. ' '"
				   " .. #redis.call('KEYS', 't*') .. ' ' .. redis.call('STRLEN', i)";
	char first[64], text[64];

	open_with(NULL);
	for (unsigned n = 1; n <= 3; n++) {
		struct gba_session s = session_make(n, IMPI_1, BSF_A, true);
		struct btid id = btid_of(&s);

		ck_assert_int_eq(put(&h, &s), 0);
		ck_assert_int_eq(get(&h, &id), 0); /* behind what the put has begun */
		ck_assert_int_eq(find_tmpi(&h, s.tmpi), 0);
		redis_server_ask(&server, text, sizeof(text), (const char *const[]){ "EVAL", left, "0", NULL });
		if (n == 1)
			strcpy(first, text);
		ck_assert_str_eq(text, first);
		ck_assert_msg(!strncmp(text, "1 1 ", 4), "%s", text);
	}
	close_all();
}
END_TEST

/* Uses are there for an hour longer than their session, whichever clock judges it; of what is over none is counted, and what is no
 * count is not taken for one */
START_TEST(uses_of_a_session)
{
	static const char left[] = "return redis.call('PTTL', redis.call('KEYS', 'n*')[1])";
	static const char spoil[] = "redis.call('SET', redis.call('KEYS', 'n*')[1], '-1') return 1";
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true), over = s;
	struct btid id = btid_of(&s);
	int ms;

	open_with(NULL);
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(get(&h, &id), 0);
	over = h.session;
	over.expires_at = store_now_s(h.st) - 1;
	ck_assert_int_eq(use_again(&h, &over, "naf.example.com"), -ENOENT);
	ck_assert_int_eq(number((const char *const[]){ "EVAL", "return #redis.call('KEYS', 'n*')", "0", NULL }), 0);
	ck_assert_uint_eq(use(&h, &id, "naf.example.com"), 1);
	ms = number((const char *const[]){ "EVAL", left, "0", NULL });
	ck_assert_int_gt(ms, (1000 + 3600 - 60) * 1000);
	ck_assert_int_lt(ms, (1000 + 3600 + 60) * 1000);
	ask((const char *const[]){ "EVAL", spoil, "0", NULL });
	ck_assert_int_eq(get(&h, &id), 0);
	over = h.session;
	ck_assert_int_eq(use_again(&h, &over, "naf.example.com"), -EIO);
	close_all();
}
END_TEST

/* What somebody has altered there is not there, and is counted; a TMPI whose value is none of ours finds nobody */
START_TEST(altered_there)
{
	static const char alter[] =
		"for _, k in ipairs(redis.call('KEYS', ARGV[1])) do local v = redis.call('GET', k)"
		" redis.call('SET', k, string.sub(v, 1, -2) .. string.char((string.byte(v, -1) + 1) % 256), 'KEEPTTL') end"
		" return 1";
	static const char flood[] =
		"redis.call('SET', redis.call('KEYS', 't*')[1], string.rep('x', 20000), 'KEEPTTL') return 1";
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct gba_challenge c = challenge_make(1, 60000);
	struct btid id = btid_of(&s);
	struct store_figures f;

	open_with(NULL);
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(challenge_put(&h, &c), 0);
	ask((const char *const[]){ "EVAL", alter, "0", "[sc]*", NULL });
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	store_shared_figures(h.sh, &f);
	ck_assert_uint_eq(f.corrupt, 1);
	ck_assert_int_eq(challenge_take(&h, &c), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, s.tmpi), 0);
	ask((const char *const[]){ "EVAL", flood, "0", NULL });
	ck_assert_int_eq(find_tmpi(&h, s.tmpi), -ENOENT);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	close_all();
}
END_TEST

/* A subscriber's record that is cut, longer, of another kind, revoked at a time to come, or of a former release and no number in it: he
 * bootstraps, is found and revoked as if there were none. He could not for as long as it lay there */
START_TEST(damaged_subscriber)
{
	static const char spoil[] =
		"local k = redis.call('KEYS', 'i*')[1] local v = redis.call('GET', k)"
		" redis.call('SET', k, loadstring('local v = ... return ' .. ARGV[1])(v), 'KEEPTTL')"
		" return 1";
	static const char *const rows[] = { "''",
					    "string.sub(v, 1, 5)",
					    "string.sub(v, 1, -2)",
					    "v .. 'x'",
					    "'\\2' .. string.sub(v, 2)",
					    "'\\4' .. string.sub(v, 2)",
					    "string.sub(v, 1, 1) .. string.rep('\\127', 6) .. string.sub(v, 8)",
					    "string.rep('9', 15) .. '0' .. string.rep('0', 24) .. 'abc'",
					    "string.rep('x', 50)" };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gba_session first = session_make(2 * i, IMPI_1, BSF_A, true),
				   second = session_make(2 * i + 1, IMPI_1, BSF_A, true);
		struct btid id = btid_of(&second);

		open_with(NULL);
		ck_assert_int_eq(put(&h, &first), 0);
		ask((const char *const[]){ "EVAL", spoil, "0", rows[i], NULL });
		ck_assert_msg(put(&h, &second) == 0, "%s", rows[i]);
		ck_assert_int_eq(get(&h, &id), 0);
		ck_assert_int_eq(find_tmpi(&h, second.tmpi), 0);
		ask((const char *const[]){ "EVAL", spoil, "0", rows[i], NULL });
		ck_assert_msg(revoke_impi(&h, IMPI_1) == 0, "%s", rows[i]);
		ck_assert_int_eq(get(&h, &id), -ENOENT);
		close_all();
	}
}
END_TEST

/* A subscriber has as many sessions as his list may hold: what lives there is not pushed out, and what is over makes room */
START_TEST(sessions_of_a_subscriber)
{
	static const char fill[] =
		"local k = redis.call('KEYS', 'i*')[1] local v = redis.call('GET', k)"
		" for n = 1, 1023 do v = v .. string.format('%016d', n) .. 'name' .. struct.pack('>I6', ARGV[1]) end"
		" redis.call('SET', k, v, 'KEEPTTL') return 1";
	static const char list[] = "return redis.call('STRLEN', redis.call('KEYS', 'i*')[1])";
	static const struct {
		const char *until;
		int rc;
	} rows[] = { { "99999999999999", -ENOSPC }, { "1", 0 } };
	struct gba_session first = session_make(1, IMPI_1, BSF_A, true),
			   one_more = session_make(2, IMPI_1, BSF_B, true);
	struct btid id = btid_of(&first);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_with(NULL);
		ck_assert_int_eq(put(&h, &first), 0);
		ask((const char *const[]){ "EVAL", fill, "0", rows[i].until, NULL });
		ck_assert_int_eq(put(&h, &one_more), rows[i].rc);
		ck_assert_int_eq(get(&h, &id), 0);
		ck_assert((number((const char *const[]){ "EVAL", list, "0", NULL }) > 1024 * REDIS_ENTRY_LEN) ==
			  (rows[i].rc < 0));
		ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
		ck_assert_uint_eq(h.a.revoked, rows[i].rc ? 1 : 2);
		ck_assert_int_eq(get(&h, &id), -ENOENT);
		close_all();
	}
}
END_TEST

/* No IMPI, Ks or GUSS lies there in clear; and a name is a hash */
START_TEST(nothing_in_clear)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct gba_challenge c = challenge_make(1, 60000);
	static const char dump[] =
		"local all = '' for _, k in ipairs(redis.call('KEYS', '*')) do all = all .. k .. "
		"(redis.call('TYPE', k).ok == 'zset' and table.concat(redis.call('ZRANGE', k, 0, -1)) or redis.call('GET', k)) end "
		"return tostring(string.find(all, ARGV[1], 1, true) ~= nil)";
	char text[64];

	open_with(NULL);
	s.guss = guss_blob_new(span_str("<guss id='001010000000001'/>"));
	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(challenge_put(&h, &c), 0);
	redis_server_ask(&server, text, sizeof(text),
			 (const char *const[]){ "EVAL", dump, "0", "001010000000001", NULL });
	ck_assert_str_eq(text, "false");
	redis_server_ask(&server, text, sizeof(text), (const char *const[]){ "EVAL", dump, "0", "example.org", NULL });
	ck_assert_str_eq(text, "false");
	gba_session_clear(&s);
	close_all();
}
END_TEST

#define MANY    20000
#define AT_ONCE 1000

static unsigned answered;

static void on_many(void *owner, uint64_t txn, const struct store_answer *a)
{
	ck_assert_int_eq(a->rc, 0);
	answered++;
}

static unsigned long used_memory(void)
{
	static const char ask[] = "return string.match(redis.call('INFO', 'memory'), 'used_memory:(%d+)')";
	char text[64];

	redis_server_ask(&server, text, sizeof(text), (const char *const[]){ "EVAL", ask, "0", NULL });
	return strtoul(text, NULL, 10);
}

/* A session with the keys of its IMPI and its TMPI: what Redis says it takes, beside what it needs for itself and for connections */
START_TEST(octets_of_a_session)
{
	unsigned long with_all;
	unsigned each, n = 0;
	struct store *st;

	open_with(NULL);
	st = store_new(NULL, h.sh, on_many, NULL);
	store_wait_up(st);
	for (answered = 0; answered < MANY;) {
		for (; n < MANY && n < answered + AT_ONCE; n++) {
			char impi[64];
			struct gba_session s;

			snprintf(impi, sizeof(impi), "00101%010u@ims.mnc001.mcc001.3gppnetwork.org", n);
			s = session_make(n, impi, BSF_A, true);
			s.made_ms = store_clock_ms(st);
			ck_assert_ptr_null(store_put(st, &s, n));
		}
		osmo_select_main(0);
	}
	with_all = used_memory();
	ask((const char *const[]){ "FLUSHALL", "SYNC", NULL });
	each = (unsigned)((with_all - used_memory()) / MANY);
	printf("octets of Redis' memory for a session, its IMPI and its TMPI: %u\n", each);
	ck_assert_uint_gt(each, 400); /* they are there */
	ck_assert_uint_le(each, 704); /* of a million it is 720: their tables of names are larger */
	talloc_free(st);
	close_all();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { few_permissions,          scripts_forgotten, nothing_is_left_of_the_former,
				       uses_of_a_session,        altered_there,     damaged_subscriber,
				       sessions_of_a_subscriber, nothing_in_clear,  octets_of_a_session };

	if (redis_server_is_there())
		return suite_run("store on Redis", NULL, NULL, tests, sizeof(tests) / sizeof(tests[0]));
	puts("skipped: there is no redis-server (Debian: redis-server)");
	return 77;
}
