/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The store on Redis behind Sentinels: whom it believes, when, and what it leaves. */
#include "tests/store/sentinel_set.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include "bsf/store/redis.h"
#include "common/base/clock.h"
#include "tests/store/harness.h"
#include "tests/unit/suite.h"

#define IMPI_1 "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
#define IMPI_2 "001010000000002@ims.mnc001.mcc001.3gppnetwork.org"

static struct harness h;

static bool is_at(const struct redis_server *s)
{
	struct redis_part *p = h.st->part;

	return p->is_up && redis_same_server(&p->at, &s->addr);
}

static void wait_at(const struct redis_server *s)
{
	while (!is_at(s))
		osmo_select_main(0);
}

static long long offset_of(const struct redis_server *s)
{
	char text[2048], *at;

	redis_server_ask(s, text, sizeof(text), (const char *const[]){ "INFO", "replication", NULL });
	at = strstr(text, "master_repl_offset:");
	return at ? strtoll(at + strlen("master_repl_offset:"), NULL, 10) : 0;
}

/* The replica has all that the master has now. */
static void replicated(const struct sentinel_set *s)
{
	long long has = offset_of(&s->master);

	while (offset_of(&s->replica) < has)
		usleep(2000);
}

/* The master is killed: what its replica has is served there, new sessions and revocations too, though it knows no script of ours */
START_TEST(master_killed)
{
	struct gba_session kept = session_make(1, IMPI_1, BSF_A, true), gone = session_make(2, IMPI_2, BSF_A, true);
	struct gba_session again = session_make(3, IMPI_1, BSF_A, true);
	struct btid id_kept = btid_of(&kept), id_gone = btid_of(&gone), id_again = btid_of(&again);
	char run_id[REDIS_RUN_ID + 1];
	struct sentinel_set s = { 0 };
	struct store_redis_cfg cfg;

	sentinel_set_start(&s);
	cfg = sentinel_set_cfg(&s);
	harness_open_redis(&h, &cfg);
	ck_assert(is_at(&s.master));
	ck_assert_int_eq(put(&h, &kept), 0);
	ck_assert_int_eq(put(&h, &gone), 0);
	ck_assert_int_eq(revoke_impi(&h, IMPI_2), 0);
	memcpy(run_id, ((struct redis_part *)h.st->part)->run_id, sizeof(run_id));
	ck_assert_uint_eq(strlen(run_id), REDIS_RUN_ID);
	replicated(&s);
	redis_server_stop(&s.master);
	wait_at(&s.replica);
	ck_assert_str_ne(((struct redis_part *)h.st->part)->run_id, run_id);
	ck_assert_int_eq(get(&h, &id_kept), 0);
	ck_assert_int_eq(get(&h, &id_gone), -ENOENT);
	ck_assert_int_eq(put(&h, &again), 0);
	ck_assert_int_eq(get(&h, &id_kept), -ENOENT);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	ck_assert_int_eq(get(&h, &id_again), -ENOENT);
	harness_close(&h);
	sentinel_set_stop(&s);
}
END_TEST

/* How often an application was given a key: the last counts go with a master, so of what was made before the next one nobody knows it.
 * Who comes to that one later knows it as well. */
START_TEST(counts_go_with_their_master)
{
	struct gba_session s1 = session_make(1, IMPI_1, BSF_A, true), s2 = session_make(2, IMPI_2, BSF_A, true);
	struct btid id1 = btid_of(&s1), id2 = btid_of(&s2);
	struct sentinel_set s = { 0 };
	struct store_redis_cfg cfg;

	sentinel_set_start(&s);
	cfg = sentinel_set_cfg(&s);
	harness_open_redis(&h, &cfg);
	ck_assert_int_eq(put(&h, &s1), 0);
	ck_assert_uint_eq(use(&h, &id1, "naf.example.com"), 1);
	replicated(&s);
	redis_server_stop(&s.master);
	wait_at(&s.replica);
	ck_assert_uint_eq(use(&h, &id1, "naf.example.com"), UINT32_MAX);
	ck_assert_uint_eq(use(&h, &id1, "never.example.com"), UINT32_MAX);
	ck_assert_int_eq(put(&h, &s2), 0);
	ck_assert_uint_eq(use(&h, &id2, "naf.example.com"), 1);
	harness_close(&h);
	harness_open_redis(&h, &cfg);
	ck_assert_uint_eq(use(&h, &id1, "naf.example.com"), UINT32_MAX);
	ck_assert_uint_eq(use(&h, &id2, "naf.example.com"), 2);
	harness_close(&h);
	sentinel_set_stop(&s);
}
END_TEST

/* The master stands still until another one is named, and goes on: it says that it is the master, and is asked nothing any more */
START_TEST(stale_master)
{
	struct gba_session was = session_make(1, IMPI_1, BSF_A, true), s2 = session_make(2, IMPI_2, BSF_A, true);
	struct btid id = btid_of(&was), id2 = btid_of(&s2);
	struct sentinel_set s = { 0 };
	struct store_redis_cfg cfg;
	char text[2048];

	sentinel_set_start(&s);
	cfg = sentinel_set_cfg(&s);
	cfg.timeout_ms = 2000; /* each of the many calls below must be done in it */
	harness_open_redis(&h, &cfg);
	ck_assert_int_eq(put(&h, &was), 0);
	replicated(&s);
	kill(s.master.pid, SIGSTOP);
	ck_assert_int_eq(get(&h, &id), -EIO);
	wait_at(&s.replica);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	kill(s.master.pid, SIGCONT);
	do { /* it is told to be a replica in the end */
		ck_assert_int_eq(get(&h, &id), -ENOENT);
		ck_assert(is_at(&s.replica));
		redis_server_ask(&s.master, text, sizeof(text), (const char *const[]){ "INFO", "replication", NULL });
	} while (!strstr(text, "role:slave"));
	ck_assert_int_eq(put(&h, &s2), 0);
	ck_assert_int_eq(get(&h, &id2), 0);
	harness_close(&h);
	sentinel_set_stop(&s);
}
END_TEST

static struct redis_server a, b, fakes[SENTINELS];

/* A Sentinel that says one thing only. */
static void fake_sentinel(int i, const char *reply)
{
	redis_fake_start(&fakes[i], reply, false, NULL, 0);
}

static void fake_names(int i, const struct redis_server *s)
{
	char port[8], reply[128];

	snprintf(port, sizeof(port), "%u", sockaddr_port(&s->addr));
	snprintf(reply, sizeof(reply), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(port), port);
	fake_sentinel(i, reply);
}

static struct store_redis_cfg fakes_cfg(void)
{
	struct sentinel_set s = { .dir = "" };
	struct store_redis_cfg cfg;

	memcpy(s.sentinels, fakes, sizeof(fakes));
	cfg = sentinel_set_cfg(&s);
	cfg.sentinel_password.len = 0;
	return cfg;
}

static void open_at_once(const struct store_redis_cfg *cfg)
{
	struct err err;

	memset(&h, 0, sizeof(h));
	h.sh = store_shared_redis_new(cfg, &err);
	ck_assert_ptr_nonnull(h.sh);
	h.st = store_new(NULL, h.sh, NULL, NULL);
}

static void fakes_stop(void)
{
	harness_close(&h);
	for (int i = 0; i < SENTINELS; i++)
		redis_server_stop(&fakes[i]);
	redis_server_stop(&a);
	redis_server_stop(&b);
}

/* Two of three are believed; one alone, whatever it says, is not, and after a while nobody is */
START_TEST(majority)
{
	struct store_redis_cfg cfg;
	struct store_links l;

	redis_server_start(&a, NULL);
	redis_server_start(&b, NULL);
	fake_names(0, &b);
	fake_names(1, &a);
	fake_names(2, &a);
	cfg = fakes_cfg();
	open_at_once(&cfg);
	wait_at(&a);
	do
		osmo_select_main(0);
	while (store_shared_links(h.sh, &l) && l.agree != 2);
	ck_assert_uint_eq(l.sentinels, 3);
	redis_server_stop(&fakes[2]);
	wait_why(&h, "no master that most of 3 Sentinels name");
	ck_assert(!((struct redis_part *)h.st->part)->is_up);
	fakes_stop();
}
END_TEST

/* Of one that is asked in vain it is said why */
START_TEST(wrong_neighbours)
{
	static const struct {
		const char *reply, *words;
	} rows[] = {
		{ "HTTP/1.1 400 Bad Request\r\n", "rotocol error" },
		{ "*-1\r\n", "it knows no master of that name" },
		{ "$2\r\nab\r\n", "it is no Sentinel" },
		{ "*2\r\n$9\r\n127.0.0.1\r\n:1\r\n", "it is no Sentinel" },
		{ "*2\r\n$5\r\nredis\r\n$4\r\n6379\r\n", "it names a host, not an address" },
		{ "-NOAUTH Authentication required.\r\n", "NOAUTH" },
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct store_redis_cfg cfg;

		for (int i = 0; i < SENTINELS; i++)
			fake_sentinel(i, rows[r].reply);
		cfg = fakes_cfg();
		open_at_once(&cfg);
		wait_why(&h, rows[r].words);
		fakes_stop();
	}
}
END_TEST

/* A Redis in the place of a Sentinel; a Sentinel's password that none is asked for; and none of them there */
START_TEST(no_sentinel)
{
	struct store_redis_cfg cfg;

	redis_server_start(&fakes[0], NULL);
	fakes[1].addr = fakes[2].addr = fakes[0].addr;
	cfg = fakes_cfg();
	open_at_once(&cfg);
	wait_why(&h, "it is no Sentinel");
	harness_close(&h);
	secret_set(&cfg.sentinel_password, "x", 1);
	open_at_once(&cfg);
	wait_why(&h, "it answers without a password");
	redis_server_stop(&fakes[0]);
	wait_why(&h, "refused");
	fakes_stop();
}
END_TEST

/* What most of them name is a replica: it says so itself, and is not used */
START_TEST(names_a_replica)
{
	struct store_redis_cfg cfg;

	redis_server_start(&a, (const char *const[]){ "--replicaof 127.0.0.1 1", NULL });
	for (int i = 0; i < SENTINELS; i++)
		fake_names(i, &a);
	cfg = fakes_cfg();
	open_at_once(&cfg);
	wait_why(&h, "its role is slave");
	fakes_stop();
}
END_TEST

static void tell(const char *const *words)
{
	char text[256];

	redis_server_ask(&a, text, sizeof(text), words);
	ck_assert_msg(strcmp(text, "OK") == 0 || strcmp(text, "1") == 0, "%s", text);
}

/* The server that we found empty was a replica since, and is the master again. What was revoked meanwhile it may not have, so whoever has
 * been there is waited for, as at any other */
START_TEST(master_again)
{
	struct store_redis_cfg cfg;
	uint64_t from;

	redis_server_start(&a, NULL);
	cfg = redis_cfg(&a.addr);
	cfg.lease_ms = 300;
	cfg.others_lease_ms = 1500;
	harness_open_redis(&h, &cfg);
	tell((const char *const[]){ "REPLICAOF", "127.0.0.1", "1", NULL });
	while (!store_lease_over(h.sh))
		osmo_select_main(1);
	tell((const char *const[]){ "CONFIG", "SET", "replica-read-only", "no", NULL }); /* as from its master: */
	tell((const char *const[]){ "SET", "bw", "the run of that one", NULL });
	tell((const char *const[]){ "ZADD", "bsfs", "9999999999999", "0123456789abcdef", NULL });
	from = clock_mono_ms();
	tell((const char *const[]){ "REPLICAOF", "NO", "ONE", NULL });
	store_wait_up(h.st);
	ck_assert_uint_ge(clock_mono_ms() - from, cfg.others_lease_ms + 1000);
	harness_close(&h);
	redis_server_stop(&a);
}
END_TEST

/* The same after two quick failovers: the server was a replica in between, nobody was at the other one, and what stands there of who has
 * been there is of before that */
START_TEST(master_once_more)
{
	struct store_redis_cfg cfg;
	uint64_t from;

	redis_server_start(&a, NULL);
	cfg = redis_cfg(&a.addr);
	cfg.others_lease_ms = 1500;
	harness_open_redis(&h, &cfg);
	harness_close(&h);
	tell((const char *const[]){ "REPLICAOF", "127.0.0.1", "1", NULL });
	tell((const char *const[]){ "REPLICAOF", "NO", "ONE", NULL });
	from = clock_mono_ms();
	harness_open_redis(&h, &cfg);
	ck_assert_uint_ge(clock_mono_ms() - from, cfg.others_lease_ms + 1000);
	harness_close(&h);
	from = clock_mono_ms();
	harness_open_redis(&h, &cfg); /* somebody has served there by now */
	ck_assert_uint_lt(clock_mono_ms() - from, cfg.others_lease_ms + 1000);
	harness_close(&h);
	redis_server_stop(&a);
}
END_TEST

/* It was a replica under a link that stayed, with what another one had counted, and is the master again: how often a session was used
 * that was made before it does not know */
START_TEST(counts_of_a_replica_in_between)
{
	struct gba_session s1 = session_make(1, IMPI_1, BSF_A, true), s2 = session_make(2, IMPI_2, BSF_A, true);
	struct btid id1 = btid_of(&s1), id2 = btid_of(&s2);
	struct store_redis_cfg cfg;

	redis_server_start(&a, NULL);
	cfg = redis_cfg(&a.addr);
	harness_open_redis(&h, &cfg);
	ck_assert_int_eq(put(&h, &s1), 0);
	ck_assert_uint_eq(use(&h, &id1, "naf.example.com"), 1);
	tell((const char *const[]){ "REPLICAOF", "127.0.0.1", "1", NULL });
	tell((const char *const[]){ "REPLICAOF", "NO", "ONE", NULL });
	wait_why(&h, "it is a replica, or its replication ID is another one now");
	store_wait_up(h.st);
	ck_assert_uint_eq(use(&h, &id1, "naf.example.com"), UINT32_MAX);
	ck_assert_int_eq(put(&h, &s2), 0);
	ck_assert_uint_eq(use(&h, &id2, "naf.example.com"), 1);
	harness_close(&h);
	redis_server_stop(&a);
}
END_TEST

/* Since when a server counts was written by a clock far ahead, or is nothing that can be read: it counts from now on, not in years */
START_TEST(counts_from_a_wrong_time)
{
	static const char spoil[] =
		"local run = string.match(redis.call('GET', 'bu'), '^(.+) ') redis.call('DEL', 'bu')"
		" if ARGV[1] == 'list' then return redis.call('RPUSH', 'bu', 'x') end"
		" redis.call('SET', 'bu', run .. ' ' .. ARGV[1]) return 1";
	static const char *const rows[] = { "9999999999999", "99999999999999999999999999999999", "x", "list" };
	struct store_redis_cfg cfg;

	redis_server_start(&a, NULL);
	cfg = redis_cfg(&a.addr);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gba_session s = session_make(i, IMPI_1, BSF_A, true);
		struct btid id = btid_of(&s);

		harness_open_redis(&h, &cfg);
		harness_close(&h);
		tell((const char *const[]){ "EVAL", spoil, "0", rows[i], NULL });
		harness_open_redis(&h, &cfg);
		s.made_ms = store_clock_ms(h.st);
		ck_assert_int_eq(put(&h, &s), 0);
		ck_assert_msg(use(&h, &id, "naf.example.com") == 1, "%s", rows[i]);
		s = session_make(100 + i, IMPI_1, BSF_A, true);
		id = btid_of(&s);
		s.made_ms = store_clock_ms(h.st) + 3600 * 1000; /* by that clock */
		ck_assert_int_eq(put(&h, &s), 0);
		ck_assert_uint_eq(use(&h, &id, "naf.example.com"), UINT32_MAX);
		harness_close(&h);
	}
	redis_server_stop(&a);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { master_killed,
				       counts_go_with_their_master,
				       stale_master,
				       majority,
				       wrong_neighbours,
				       no_sentinel,
				       names_a_replica,
				       master_again,
				       master_once_more,
				       counts_of_a_replica_in_between,
				       counts_from_a_wrong_time };

	if (redis_server_is_there())
		return suite_run("store on Redis behind Sentinels", NULL, NULL, tests,
				 sizeof(tests) / sizeof(tests[0]));
	puts("skipped: there is no redis-server (Debian: redis-server)");
	return 77;
}
