/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A store as a former release has left it: all that it sealed opens, and a pass seals it anew as it is sealed now. */
#include "tests/store/disk.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <hiredis/hiredis.h>

#include "bsf/store/lmdb.h"
#include "bsf/store/redis.h"
#include "common/base/sockaddr.h"
#include "tests/store/redis_server.h"
#include "tests/unit/former_seal.h"
#include "tests/unit/suite.h"

#define MANY 20

static struct redis_server server;
static struct seal *now; /* as the store has one */
static uint8_t buf[4096];

static void setup(void)
{
	struct err err;

	disk_setup();
	now = seal_new(&kek_1, 1, &err);
}

static void teardown(void)
{
	seal_free(now);
	disk_teardown();
}

static struct gba_session with_tmpi(unsigned n)
{
	return nth(n, n % 2);
}

static void put_all(void)
{
	for (unsigned n = 0; n < MANY; n++) {
		struct gba_session s = with_tmpi(n);

		ck_assert_int_eq(put(&h, &s), 0);
	}
}

/* Number 7 was revoked, and has bootstrapped again since: a mark that did not open would count as if it were of now. */
static struct gba_session again(void)
{
	return session_make(MANY, with_tmpi(7).impi.s, BSF_A, false);
}

static void revoke_one(void)
{
	struct gba_session s = again();

	ck_assert_int_eq(revoke_impi(&h, s.impi.s), 0);
	usleep(2000);
	ck_assert_int_eq(put(&h, &s), 0);
}

static void all_there(void)
{
	struct gba_session of_7 = again();
	struct btid id = btid_of(&of_7);

	ck_assert_int_eq(get(&h, &id), 0);
	for (unsigned n = 0; n < MANY; n++) {
		struct gba_session s = with_tmpi(n);

		id = btid_of(&s);
		ck_assert_int_eq(get(&h, &id), n == 7 ? -ENOENT : 0);
		if (n == 7)
			continue;
		ck_assert(secret_equal(&h.session.ks, &s.ks));
		ck_assert_int_eq(s.has_tmpi ? find_tmpi(&h, s.tmpi) : 0, 0);
		if (s.has_tmpi)
			ck_assert_str_eq(h.impi, s.impi.s);
	}
}

/* \returns how many were sealed anew */
static uint64_t sealed_anew(void)
{
	struct reseal_step s = { .what = RESEAL_SEAL };
	uint64_t n = 0;

	do {
		ck_assert_int_eq(reseal(&h, &s), 0);
		ck_assert_uint_eq(s.came.lost, 0);
		n += s.came.sealed;
		memcpy(s.at, s.came.at, s.came.at_len);
		s.at_len = s.came.at_len;
	} while (!s.came.over);
	return n;
}

static struct span former(uint8_t *at, size_t cap, struct span sealed, struct span aad)
{
	return span_of(at, former_seal_again(at, cap, now, &kek_1, sealed, aad));
}

/* --- LMDB */

static void record_former(MDB_cursor *c, const MDB_val *k, const MDB_val *v)
{
	struct span value = span_of(v->mv_data, v->mv_size), key = span_of(k->mv_data, k->mv_size);
	size_t head = key.len == AKA_RAND_LEN ? RECORD_HEAD_LEN : 0;
	uint8_t aad[AKA_RAND_LEN + RECORD_HEAD_LEN], copy[AKA_RAND_LEN + RECORD_HEAD_LEN];
	MDB_val to = { 0, buf }, at = { k->mv_size, copy };
	struct span bind = key;

	if (key.len == LMDB_META_KEY_LEN)
		bind = span_str("gba store meta 1");
	else if (lmdb_key_is_own(key.len) || value.len == RECORD_HEAD_LEN)
		return;
	memcpy(copy, key.p, key.len);
	memcpy(buf, value.p, head);
	if (head) {
		memcpy(aad, key.p, key.len);
		memcpy(aad + key.len, value.p, head);
		bind = span_of(aad, sizeof(aad));
	}
	to.mv_size = head + former(buf + head, sizeof(buf) - head, span_of(value.p + head, value.len - head), bind).len;
	ck_assert_int_eq(mdb_cursor_put(c, &at, &to, MDB_CURRENT), 0);
}

static unsigned versions[3];

static void each_record(MDB_txn *txn, MDB_dbi dbi, void (*fn)(MDB_cursor *c, const MDB_val *k, const MDB_val *v))
{
	MDB_cursor *c;
	MDB_val k, v;

	ck_assert_int_eq(mdb_cursor_open(txn, dbi, &c), 0);
	while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0)
		fn(c, &k, &v);
	mdb_cursor_close(c);
}

static void record_count(MDB_cursor *c, const MDB_val *k, const MDB_val *v)
{
	size_t head = k->mv_size == AKA_RAND_LEN ? RECORD_HEAD_LEN : 0;

	if (v->mv_size > head && (k->mv_size == LMDB_META_KEY_LEN || !lmdb_key_is_own(k->mv_size)))
		versions[((uint8_t *)v->mv_data)[head]]++;
}

static void make_former(MDB_txn *txn, MDB_dbi dbi)
{
	each_record(txn, dbi, record_former);
}

static void count_versions(MDB_txn *txn, MDB_dbi dbi)
{
	memset(versions, 0, sizeof(versions));
	each_record(txn, dbi, record_count);
}

START_TEST(on_lmdb)
{
	open_store();
	put_all();
	revoke_one();
	harness_close(&h);
	disk_change(make_former);
	disk_change(count_versions);
	ck_assert_uint_ge(versions[1], MANY + 2); /* the index key and the mark, too */
	ck_assert_uint_eq(versions[2], 0);
	open_store();
	all_there();
	ck_assert_uint_ge(sealed_anew(), MANY);
	all_there();
	harness_close(&h);
	disk_change(count_versions);
	ck_assert_uint_eq(versions[1], 0);
	ck_assert_uint_ge(versions[2], MANY + 2);
	open_store();
	all_there();
	harness_close(&h);
}
END_TEST

/* --- Redis */

static redisReply *command(redisContext *c, const char *word, struct span key, struct span value)
{
	const char *argv[] = { word, (const char *)key.p, (const char *)value.p, "KEEPTTL" };
	const size_t len[] = { strlen(word), key.len, value.len, 7 };
	redisReply *r = redisCommandArgv(c, value.len ? 4 : 2, argv, len);

	ck_assert_msg(r && r->type != REDIS_REPLY_ERROR, "%s: %s", word, r ? r->str : c->errstr);
	return r;
}

/* The value of a key by former_of(), in its place. */
static void replace(redisContext *c, struct span key, struct span (*former_of)(struct span key, struct span value))
{
	redisReply *was = command(c, "GET", key, span_of(NULL, 0));
	struct span to = was->str ? former_of(key, span_of((uint8_t *)was->str, was->len)) : span_of(NULL, 0);

	if (to.len)
		freeReplyObject(command(c, "SET", key, to));
	freeReplyObject(was);
}

static struct span meta_former(struct span key, struct span value)
{
	return former(buf, sizeof(buf), value, span_str("gba redis meta 1"));
}

static struct span subscriber_former(struct span key, struct span value)
{
	struct redis_subscriber who;
	uint8_t sealed[1024], *at = buf;
	char digits[16];
	size_t n;

	ck_assert(redis_subscriber_read(&who, value));
	n = former(sealed, sizeof(sealed), who.sealed, key).len;
	at += sprintf((char *)at, "%015llu%d", (unsigned long long)who.revoked_ms, who.tmpi != NULL);
	memset(at, 0, TMPI_LEN);
	if (who.tmpi)
		memcpy(at, who.tmpi, TMPI_LEN);
	at += TMPI_LEN;
	at += sprintf((char *)at, "%03zu", n);
	memcpy(at, sealed, n);
	at += n;
	for (size_t i = 0; i < who.list.len; i += REDIS_ENTRY_LEN, at += 35) {
		memcpy(at, who.list.p + i, 20);
		snprintf(digits, sizeof(digits), "%015llu", (unsigned long long)be48_get(who.list.p + i + 20));
		memcpy(at + 20, digits, 15);
	}
	return span_of(buf, (size_t)(at - buf));
}

static const uint8_t *rand_of; /* of the session that is changed */

static struct span session_former(struct span key, struct span value)
{
	uint8_t aad[AKA_RAND_LEN + RECORD_HEAD_LEN];

	if (value.len <= RECORD_HEAD_LEN)
		return span_of(NULL, 0);
	memcpy(aad, rand_of, AKA_RAND_LEN);
	memcpy(aad + AKA_RAND_LEN, value.p, RECORD_HEAD_LEN);
	memcpy(buf, value.p, RECORD_HEAD_LEN);
	return span_of(buf, RECORD_HEAD_LEN + former(buf + RECORD_HEAD_LEN, sizeof(buf) - RECORD_HEAD_LEN,
						     record_sealed(value), span_of(aad, sizeof(aad)))
						      .len);
}

static struct span challenge_former(struct span key, struct span value)
{
	struct gba_challenge c = challenge_make(1, 60000);

	return former(buf, sizeof(buf), value, gba_challenge_key(&c));
}

static void redis_former(redisContext *c)
{
	struct gba_challenge challenge = challenge_make(1, 60000);
	uint8_t key[REDIS_KEY_LEN];
	redisReply *all = command(c, "KEYS", span_str("i*"), span_of(NULL, 0));

	for (size_t i = 0; i < all->elements; i++)
		replace(c, span_of((uint8_t *)all->element[i]->str, all->element[i]->len), subscriber_former);
	freeReplyObject(all);
	replace(c, span_str(redis_meta_key), meta_former);
	replace(c, redis_key_challenge(key, gba_challenge_key(&challenge)), challenge_former);
	for (unsigned n = 0; n <= MANY; n++) {
		struct gba_session s = n == MANY ? again() : with_tmpi(n);

		rand_of = s.rand;
		replace(c, redis_key_session(key, s.rand), session_former);
	}
}

static void begin_on_redis(struct store_redis_cfg *cfg)
{
	redis_server_start(&server, NULL);
	*cfg = redis_cfg(&server.addr);
	cfg->keks = &kek_1;
	harness_open_redis(&h, cfg);
	put_all();
}

/* From now on it is as if a former release had put all that is there, and this one is started on it */
static void upgraded_on_redis(const struct store_redis_cfg *cfg)
{
	redisContext *link;

	harness_close(&h);
	link = redisConnect("127.0.0.1", sockaddr_port(&server.addr));
	redis_former(link);
	redisFree(link);
	harness_open_redis(&h, cfg);
}

/* A challenge that is under way then is taken: the device has its answer. */
START_TEST(on_redis)
{
	struct gba_challenge c = challenge_make(1, 60000);
	struct store_redis_cfg cfg;

	begin_on_redis(&cfg);
	revoke_one();
	ck_assert_int_eq(challenge_put(&h, &c), 0);
	upgraded_on_redis(&cfg);
	all_there();
	ck_assert_int_eq(challenge_take(&h, &c), 0);
	ck_assert_uint_ge(sealed_anew(), 2 * MANY); /* the record of each subscriber, too */
	all_there();
	ck_assert_uint_eq(sealed_anew(), 0);
	harness_close(&h);
	harness_open_redis(&h, &cfg);
	all_there();
	harness_close(&h);
	redis_server_stop(&server);
}
END_TEST

/* What comes first to such a store: another run, which ends the one before, and a revocation */
START_TEST(goes_on_redis)
{
	struct gba_session was = with_tmpi(1), next = session_make(MANY + 1, was.impi.s, BSF_A, true),
			   bare = with_tmpi(4);
	struct btid id_was = btid_of(&was), id_next = btid_of(&next), id_bare = btid_of(&bare);
	struct store_redis_cfg cfg;

	begin_on_redis(&cfg);
	upgraded_on_redis(&cfg);
	ck_assert_int_eq(put(&h, &next), 0);
	ck_assert_int_eq(get(&h, &id_next), 0);
	ck_assert_int_eq(get(&h, &id_was), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, was.tmpi), -ENOENT);
	ck_assert_int_eq(find_tmpi(&h, next.tmpi), 0);
	ck_assert_int_eq(revoke_impi(&h, bare.impi.s), 0);
	ck_assert_uint_eq(h.a.revoked, 1);
	ck_assert_int_eq(get(&h, &id_bare), -ENOENT);
	harness_close(&h);
	redis_server_stop(&server);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { on_lmdb, on_redis, goes_on_redis };

	if (!redis_server_is_there())
		puts("skipped on Redis: there is no redis-server (Debian: redis-server)");
	return suite_run("store of a former release", setup, teardown, tests, redis_server_is_there() ? 3 : 1);
}
