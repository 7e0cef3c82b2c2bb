/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The store on Redis, and what only such a store has: a server that is not fit, that stands still, that forgets, that is full, that
 * others use, too. */
#include "tests/store/redis_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include "common/base/clock.h"
#include "tests/flow/free_port.h"
#include "bsf/store/redis.h"
#include "tests/store/harness.h"

#define IMPI_1 "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"

/* As the manual has it. */
#define MAY \
	"~c* ~s* ~i* ~t* ~n* ~m ~marks ~b* ~k ~r -@all +get +getrange +set +del +scan +incr +pexpire +exists +pexpiretime +time +info +eval +evalsha +zadd +zscore +zrange +zrangebyscore +zremrangebyscore +wait"

static struct redis_server server;
static struct store_redis_cfg cfg;
static struct harness h;

static void open_with(const char *const *options)
{
	redis_server_start(&server, options);
	cfg = redis_cfg(&server.addr);
	harness_open_redis(&h, &cfg);
}

static void close_all(void)
{
	harness_close(&h);
	redis_server_stop(&server);
}

static void ask(const char *const *words)
{
	char text[256];

	redis_server_ask(&server, text, sizeof(text), words);
	ck_assert_msg(strncmp(text, "ERR", 3) != 0, "%s", text);
}

static int number(const char *const *words)
{
	char text[64];

	redis_server_ask(&server, text, sizeof(text), words);
	return atoi(text);
}

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

	redis_server_start(&server, NULL);
	cfg = redis_cfg(&server.addr);
	cfg.timeout_ms = 1000;
	harness_open_redis(&h, &cfg);
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

/* What waits for a link ends at the deadline; after three in a row calls are refused at once, until one greeting is answered; and a
 * deadline after that opens it again */
START_TEST(breaker)
{
	struct gba_session s = session_make(1, IMPI_1, BSF_A, true);
	struct btid id = btid_of(&s);

	redis_server_start(&server, NULL);
	cfg = redis_cfg(&server.addr);
	cfg.timeout_ms = 200;
	harness_open_redis(&h, &cfg);
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
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	ck_assert_int_eq(get(&h, &id), -ENOENT);
	wait_full(true);
	/* who comes now finds what is there, and takes it as full */
	harness_close(&h);
	harness_open_redis(&h, &cfg);
	wait_full(true);
	ck_assert_int_eq(get(&h, &kept), 0);
	ask((const char *const[]){ "CONFIG", "SET", "maxmemory", "0", NULL });
	wait_full(false);
	ck_assert_int_eq(challenge_take(&h, &c), 0);
	close_all();
}
END_TEST

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

static void mark_there(char n, int64_t until_ms)
{
	char member[40], score[24];

	snprintf(member, sizeof(member), "\1\1not of this tes%c%015d", n, 1);
	snprintf(score, sizeof(score), "%lld", (long long)until_ms);
	ask((const char *const[]){ "ZADD", "marks", score, member, NULL });
}

/* More marks than it may hold: it serves nothing, until some of them are over */
START_TEST(too_many_marks)
{
	redis_server_start(&server, NULL);
	cfg = redis_cfg(&server.addr);
	cfg.lease_ms = 300;
	cfg.marks_max = 2;
	cfg.sweep_ms = 100;
	harness_open_redis(&h, &cfg);
	for (char n = 'a'; n < 'd'; n++)
		mark_there(n, (int64_t)clock_wall_ms() + 1500 + n);
	while (!store_lease_over(h.sh))
		osmo_select_main(1);
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
	ck_assert_uint_le(each, 720);
	talloc_free(st);
	close_all();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { not_fit,
				       other_kek,
				       strange_servers,
				       closes_each,
				       becomes_replica,
				       few_permissions,
				       scripts_forgotten,
				       stands_still,
				       breaker,
				       killed,
				       full,
				       taken_once_of_all,
				       counted_together,
				       masters_differ,
				       emptied,
				       emptied_of_others,
				       nothing_is_left_of_the_former,
				       so_many_wait_for_a_reply,
				       too_many_marks,
				       who_is_silent_is_waited_for,
				       nothing_in_clear,
				       octets_of_a_session };

	if (redis_server_is_there())
		return suite_run("store on Redis", NULL, NULL, tests, sizeof(tests) / sizeof(tests[0]));
	puts("skipped: there is no redis-server (Debian: redis-server)");
	return 77;
}
