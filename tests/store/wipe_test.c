/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Keys are wiped before their memory is given back, on every way a challenge and a session can go. */
#include "tests/store/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bsf/store/redis.h"
#include "common/base/clock.h"
#include "tests/store/redis_server.h"
#include "tests/unit/free_watch.h"
#include "tests/unit/suite.h"

enum { MEM, LMDB, BACKENDS };

#define IMPI_1 "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"

static uint8_t watched[64][FREE_WATCH_LEN];

static void watch(const struct secret *s)
{
	static unsigned n;

	memcpy(watched[n], s->b, FREE_WATCH_LEN);
	free_watch(watched[n++]);
}

static struct gba_session session(unsigned n)
{
	struct gba_session s = session_make(n, IMPI_1, BSF_A, true);

	watch(&s.ks);
	return s;
}

static struct gba_challenge challenge(unsigned n, uint64_t life_ms)
{
	struct gba_challenge c = challenge_make(n, life_ms);

	watch(&c.aka.xres);
	watch(&c.aka.ks);
	return c;
}

static void no_hits(const char *way)
{
	ck_assert_msg(!free_watch_hits(), "%s: memory with a key in it was given back", way);
}

/* The watch sees what is to be seen. */
START_TEST(control)
{
	struct gba_session s = session(1), *copy = malloc(sizeof(*copy));

	*copy = s;
	__asm__ volatile("" : : "r"(copy) : "memory"); /* or the compiler leaves all of it out */
	free(copy);
	ck_assert_uint_eq(free_watch_hits(), FREE_WATCH);
}
END_TEST

static void sessions(void)
{
	struct gba_session s = session(1), again = session(2), over = session(3);
	struct btid id = btid_of(&s);

	ck_assert_int_eq(put(&h, &s), 0);
	ck_assert_int_eq(get(&h, &id), 0);
	ck_assert_int_eq(put(&h, &s), -EEXIST);
	no_hits("put and get");
	ck_assert_int_eq(put(&h, &again), 0);
	no_hits("replaced");
	ck_assert_int_eq(find_tmpi(&h, again.tmpi), 0);
	ck_assert_int_eq(revoke_impi(&h, IMPI_1), 0);
	no_hits("revoked");
	over.expires_at = time(NULL) + 1;
	ck_assert_int_eq(put(&h, &over), 0);
	while (time(NULL) <= over.expires_at)
		usleep(20000);
	id = btid_of(&over);
	for (unsigned i = 0; i < 256; i++) /* a store in memory sweeps when it is used */
		ck_assert_int_eq(get(&h, &id), -ENOENT);
	no_hits("over");
}

static void challenges(void)
{
	struct gba_challenge c = challenge(1, 60000), unanswered = challenge(2, 50), left = challenge(3, 60000);
	uint64_t until = clock_mono_ms() + 50;

	ck_assert_int_eq(challenge_put(&h, &c), 0);
	ck_assert_int_eq(challenge_put(&h, &c), -EEXIST);
	ck_assert_int_eq(challenge_take(&h, &c), 0);
	ck_assert_int_eq(challenge_take(&h, &c), -EALREADY);
	no_hits("taken");
	ck_assert_int_eq(challenge_put(&h, &unanswered), 0);
	while (clock_mono_ms() <= until)
		usleep(1000);
	for (unsigned i = 0; i < 256; i++) {
		struct gba_challenge other = challenge_make(100 + i, 60000);

		ck_assert_int_eq(challenge_put(&h, &other), 0);
	}
	no_hits("unanswered");
	ck_assert_int_eq(challenge_put(&h, &left), 0);
}

START_TEST(wiped)
{
	struct store_lmdb_cfg cfg = lmdb_cfg();

	watch(&kek_1.key);
	if (_i == MEM)
		harness_open_mem(&h);
	else
		harness_open_lmdb(&h, dir, &cfg);
	sessions();
	challenges();
	harness_close(&h);
	no_hits("closed");
}
END_TEST

/* Beside them the password, and the key by which names are hidden there */
START_TEST(on_redis)
{
	static const struct secret password = { 19, "a-password-of-redis" };
	struct redis_server server;
	struct store_redis_cfg cfg;

	if (!redis_server_is_there())
		return;
	redis_server_start(&server, (const char *const[]){ "--requirepass", (const char *)password.b, NULL });
	cfg = redis_cfg(&server.addr);
	cfg.password = password;
	watch(&password);
	harness_open_redis(&h, &cfg);
	watch(&((struct redis_part *)h.st->part)->keys.index_key);
	challenges();
	redis_link_aim(((struct redis_part *)h.st->part)->link, &server.addr, "made anew");
	store_wait_up(h.st);
	no_hits("a link that was lost");
	harness_close(&h);
	no_hits("closed");
	redis_server_stop(&server);
}
END_TEST

/* Names of who is revoked are hashed by a key that would tell them */
START_TEST(marks_keys)
{
	struct seal_kek key = { .id = 1, .key = { 32, { [0 ... 31] = 0x77 } } };
	struct marks *m = marks_new(&key, 1, 10);

	watch(&key.key);
	marks_free(m);
	no_hits("marks");
}
END_TEST

/* What is opened to be sealed anew */
START_TEST(sealed_anew)
{
	static const struct secret ks = { 32, "opened only to be sealed anew.." };
	struct seal *s = seal_new(&kek_1, 1, NULL);
	uint8_t once[128], again[128];
	int n = seal_put(s, once, sizeof(once), span_of(ks.b, ks.len), span_str("a"));

	watch(&ks);
	n = seal_again(s, again, sizeof(again), span_of(once, (size_t)n), span_str("a"));
	ck_assert_int_gt(n, (int)ks.len);
	no_hits("sealed anew");
	seal_free(s);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("wipes");

	tcase_add_checked_fixture(tc, disk_setup, disk_teardown);
	tcase_add_test(tc, control);
	tcase_add_loop_test(tc, wiped, 0, BACKENDS);
	tcase_add_test(tc, on_redis);
	tcase_add_test(tc, marks_keys);
	tcase_add_test(tc, sealed_anew);
	return suite_run_cases("store wipes", &tc, 1);
}
