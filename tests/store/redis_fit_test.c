/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A server that the store on Redis may not use, or no longer: unfit, strange, a replica, of another clock. */
#include "tests/store/redis_own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>

#include "common/base/clock.h"
#include "tests/flow/free_port.h"
#include "bsf/store/redis.h"
#include "tests/unit/suite.h"

static void not_done(void *owner, uint64_t txn, const struct store_answer *a)
{
	ck_assert_int_ne(a->rc, 0);
}

/* It is never up, and says why; a call is refused within it. */
static void refused_for(const struct store_redis_cfg *c, const char *words)
{
	const struct store_answer *now;
	struct store_links l;
	struct err err;
	struct store_shared *sh = store_shared_redis_new(c, &err);
	struct store *st = store_new(NULL, sh, not_done, NULL);
	struct btid id = { .domain = BSF_A };

	do {
		osmo_select_main(0);
		ck_assert(store_shared_links(sh, &l));
	} while (!l.why[0]);
	ck_assert_msg(strstr(l.why, words), "%s", l.why);
	ck_assert_uint_eq(l.up, 0);
	ck_assert_uint_eq(l.of, 1);
	now = store_get(st, &id, 1);
	ck_assert(!now || now->rc == -ENOTCONN); /* who was fit for a moment is waited for */
	ck_assert_int_eq(store_end(-ENOTCONN), STORE_REFUSED);
	talloc_free(st);
	store_shared_free(sh);
}

/* Each in words */
START_TEST(not_fit)
{
	static const struct {
		const char *options[12], *user, *password, *words;
	} rows[] = {
		{ { "--maxmemory-policy", "allkeys-lru" }, "", "", "maxmemory-policy is allkeys-lru" },
		{ { "--maxmemory-policy", "volatile-ttl" }, "", "", "maxmemory-policy is volatile-ttl" },
		{ { "--requirepass", "secret" }, "", "", "wants a password" },
		{ { NULL }, "", "secret", "answers without a password" },
		{ { "--requirepass", "secret" }, "", "wrong", "does not take the password" },
		{ { "--replicaof", "127.0.0.1 1" }, "", "", "role is slave" },
		{ { "--requirepass", "x", "--user", "gba on >secret ~c* ~i* ~t* ~n* ~m +@all" },
		  "gba",
		  "secret",
		  "SET on s*" },
		{ { "--requirepass", "x", "--user", "gba on >secret ~* +@all -info -del" },
		  "gba",
		  "secret",
		  "may not: INFO; DEL" },
		{ { "--requirepass", "x", "--user", "gba on >secret ~* +@all -info -del" }, "gba", "secret", "DEL" },
		{ { "--requirepass", "x", "--user", "gba on >secret ~* +@all -pexpiretime" },
		  "gba",
		  "secret",
		  "PEXPIRETIME" },
		{ { "--requirepass", "x", "--user", "gba on >secret ~* +@all -evalsha" }, "gba", "secret", "EVALSHA" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		redis_server_start(&server, rows[i].options);
		cfg = redis_cfg(&server.addr);
		strcpy(cfg.user, rows[i].user);
		secret_set(&cfg.password, rows[i].password, strlen(rows[i].password));
		refused_for(&cfg, rows[i].words);
		redis_server_stop(&server);
	}
	cfg.addr = free_port();
	refused_for(&cfg, "refused");
}
END_TEST

/* What another KEK sealed is not ours to read, and its names are not ours to find */
START_TEST(other_kek)
{
	open_with(NULL);
	cfg.keks = &kek_2;
	refused_for(&cfg, "another KEK");
	close_all();
}
END_TEST

#define GREETING 24 /* commands, the last one asks for the index key */

#define FIT "$62\r\nredis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\nrole:master\r\n"

/* An old one; and what is no Redis, or no longer knows what it was asked */
START_TEST(strange_servers)
{
	static const struct {
		const char *reply;
		bool at_once;
		const char *words, *last;
	} rows[] = {
		{ "$20\r\nredis_version:6.2.10\r\n", false, "Redis 6.2.10; allowed: 7.0", NULL },
		{ FIT, false, "nobody asked for", "$-1\r\n+HI\r\n" },
		{ FIT, false, "another KEK", "$3\r\nabc\r\n" },
		{ "+HI\r\n", true, "Redis ; allowed: 7.0", NULL },
		{ "-ERR max number of clients reached\r\n", true, "max number of clients", NULL },
		{ "HTTP/1.1 400 Bad Request\r\n", false, "rotocol error", NULL },
		{ "+OK\r\n+OK\r\n", false, "Redis ; allowed: 7.0", NULL },
		{ "$-5\r\n", false, "ulk string length", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		redis_fake_start(&server, rows[i].reply, rows[i].at_once, rows[i].last, GREETING);
		cfg = redis_cfg(&server.addr);
		refused_for(&cfg, rows[i].words);
		redis_server_stop(&server);
	}
}
END_TEST

/* A reply without end is not kept, and a greeting that goes on and on is over after its time */
START_TEST(without_end)
{
	static char flood[17 << 20];

	memset(flood, 'x', sizeof(flood) - 1);
	memcpy(flood, "$99999999\r\n", 11);
	redis_fake_start(&server, flood, false, NULL, 0);
	cfg = redis_cfg(&server.addr);
	refused_for(&cfg, "a reply that is too long");
	redis_server_stop(&server);
	redis_drip_start(&server, "$1000000\r\n");
	cfg = redis_cfg(&server.addr);
	refused_for(&cfg, "no answer in time");
	redis_server_stop(&server);
}
END_TEST

/* Who closes each connection is not called without end: three times at once, then once a second */
START_TEST(closes_each)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), c;
	uint64_t until = clock_mono_ms() + 1500;
	unsigned calls = 0;
	struct err err;
	struct store_shared *sh;
	struct store *st;

	server.addr = free_port();
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&server.addr, sizeof(struct sockaddr_in)), 0);
	ck_assert_int_eq(listen(fd, 64), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	cfg = redis_cfg(&server.addr);
	sh = store_shared_redis_new(&cfg, &err);
	st = store_new(NULL, sh, not_done, NULL);
	while (clock_mono_ms() < until) {
		while ((c = accept(fd, NULL, NULL)) >= 0) {
			calls++;
			close(c);
		}
		osmo_select_main(1);
		usleep(1000);
	}
	ck_assert_uint_ge(calls, 2);
	ck_assert_uint_le(calls, 2 * 6); /* of this shard, and of who follows the marks */
	talloc_free(st);
	store_shared_free(sh);
	close(fd);
}
END_TEST

/* It becomes a replica: nothing is written any more, and the link looks anew */
START_TEST(becomes_replica)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct store_links l;

	open_with(NULL);
	ask((const char *const[]){ "REPLICAOF", "127.0.0.1", "1", NULL });
	ck_assert_int_ne(store_end(put(&h, &s)), STORE_DONE);
	do {
		osmo_select_main(0);
		store_shared_links(h.sh, &l);
	} while (!strstr(l.why, "role is slave"));
	ck_assert_uint_eq(l.up, 0);
	ask((const char *const[]){ "REPLICAOF", "NO", "ONE", NULL });
	store_wait_up(h.st);
	ck_assert_int_eq(put(&h, &s), 0);
	close_all();
}
END_TEST

/* It is told to throw things away under a link that stays: given up in the same words, until it no longer does */
START_TEST(becomes_evicting)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct store_links l;

	open_with(NULL);
	ask((const char *const[]){ "CONFIG", "SET", "maxmemory-policy", "allkeys-lru", NULL });
	wait_why(&h, "its maxmemory-policy is allkeys-lru, which throws away what must stay; allowed: noeviction");
	do {
		osmo_select_main(0);
		store_shared_links(h.sh, &l);
	} while (l.up);
	ask((const char *const[]){ "CONFIG", "SET", "maxmemory-policy", "noeviction", NULL });
	store_wait_up(h.st);
	ck_assert_int_eq(put(&h, &s), 0);
	close_all();
}
END_TEST

/* \param[out] of a server that is fit, and whose clock is so far off ours */
static void fake_time(struct redis_server *s, int off_s, char run)
{
	char fit[256], body[160], answer[96];
	struct timespec now;
	int len = snprintf(body, sizeof(body),
			   "redis_version:7.0.15\r\nrun_id:%039d%c\r\nmaxmemory_policy:noeviction\r\nrole:master\r\n",
			   0, run);

	snprintf(fit, sizeof(fit), "$%d\r\n%s\r\n", len, body);
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(answer, sizeof(answer), "*2\r\n$10\r\n%lld\r\n$6\r\n%06ld\r\n", (long long)now.tv_sec + off_s,
		 now.tv_nsec / 1000);
	redis_fake_start(s, fit, false, answer, GREETING - 1);
}

/* Another master, whose clock is 6 s from that of the former one: of the two the one that is farther from ours is not used */
START_TEST(masters_differ)
{
	static const struct {
		int was_s, is_s;
		bool odd;
	} rows[] = { { 2, -4, true }, { -2, 4, true }, { 4, -2, false }, { 1, 1, false } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct redis_server next;
		struct redis_part *p;
		struct err err;

		fake_time(&server, rows[i].was_s, 'a');
		fake_time(&next, rows[i].is_s, 'b');
		cfg = redis_cfg(&server.addr);
		memset(&h, 0, sizeof(h));
		h.sh = store_shared_redis_new(&cfg, &err);
		h.st = store_new(NULL, h.sh, not_done, NULL);
		p = h.st->part;
		wait_why(&h, "another KEK"); /* it says nothing else that is right, but its clock is known */
		redis_link_aim(p->link, &next.addr, "aimed");
		wait_why(&h, rows[i].odd ? "its clock and that of the former master differ" : "another KEK");
		harness_close(&h);
		redis_server_stop(&server);
		redis_server_stop(&next);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { not_fit,     other_kek,       strange_servers,  without_end,
				       closes_each, becomes_replica, becomes_evicting, masters_differ };

	if (redis_server_is_there())
		return suite_run("store on an unfit Redis", NULL, NULL, tests, sizeof(tests) / sizeof(tests[0]));
	puts("skipped: there is no redis-server (Debian: redis-server)");
	return 77;
}
