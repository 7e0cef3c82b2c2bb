/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Questions to the BSF: one for those who want the same key, each waits to its own deadline; and the contexts around
 * it: configuration, results of gba_naf_fetch_key(), many threads at once. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "naf-lib/naf_fork.h"
#include "naf-lib/naf_zn.h"
#include "tests/unit/suite.h"

#define DOMAIN  "bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define BTID    "I1U8vpY3qJ0hiuZNrke/NQ==@" DOMAIN
#define WAITERS 6

/*! A transport that keeps its questions until the test answers them. */
static struct held {
	pthread_mutex_t lock;
	pthread_cond_t came;
	unsigned n;
	uint64_t txn[64];
	int refuse;
	bool closed;
} held = { .lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER };

static int start(void *self, const struct naf_question *q)
{
	if (held.refuse)
		return held.refuse;
	pthread_mutex_lock(&held.lock);
	held.txn[held.n++] = q->txn;
	pthread_cond_broadcast(&held.came);
	pthread_mutex_unlock(&held.lock);
	return 0;
}

static bool connected(void *self)
{
	return true;
}

static void closed(void *self, struct naf_zn *zn)
{
	held.closed = true;
}

static void wait_questions(unsigned n)
{
	pthread_mutex_lock(&held.lock);
	while (held.n < n)
		pthread_cond_wait(&held.came, &held.lock);
	pthread_mutex_unlock(&held.lock);
}

static struct naf_ks *ks;
static struct naf_zn *zn;

static void open_zn(unsigned in_flight)
{
	const struct naf_ks_cfg cfg = { .keys = 100, .refusals = 100, .refusal_s = 30 };
	const struct naf_transport t = { .start = start, .connected = connected, .close = closed };

	ck_assert_int_eq(naf_fork_init(), 0);
	ks = naf_ks_new(&cfg);
	zn = naf_zn_new(&t, ks, in_flight, naf_clock);
	ck_assert_ptr_nonnull(zn);
}

static void close_zn(void)
{
	naf_zn_free(zn);
	ck_assert(held.closed);
	naf_ks_free(ks);
}

static int fetch_from(const char *source, uint8_t which, unsigned deadline_ms, struct gba_naf_key *out)
{
	struct btid btid = { .rand = { which }, .domain = DOMAIN };
	struct naf_ks_id id;
	struct naf_id naf_id;
	struct naf_question q = { .btid = BTID, .domain = DOMAIN, .deadline_ms = deadline_ms, .has_source = true };

	snprintf(q.source, sizeof(q.source), "%s", source);
	ck_assert_int_eq(naf_id_make(&naf_id, "naf1.example.com", UA_ID_HTTP_DIGEST), 0);
	q.naf_id = naf_id;
	naf_ks_id_make(&id, &btid, &naf_id);
	return naf_zn_fetch(zn, &id, &q, out);
}

static int fetch(uint8_t which, unsigned deadline_ms, struct gba_naf_key *out)
{
	return fetch_from("192.0.2.1", which, deadline_ms, out);
}

static void wait_waiting(unsigned n)
{
	while (naf_zn_waiting(zn) != n)
		sched_yield();
}

static void answer(uint64_t txn, int rc, uint8_t octet)
{
	struct gba_naf_key key = { .expires_at = 4000000000,
				   .created_at = NAF_TIME_NONE,
				   .uss_list = strdup("<ussList/>"),
				   .uss_list_len = 10 };

	memset(key.key, octet, sizeof(key.key));
	if (rc)
		naf_key_clear(&key);
	naf_zn_answer(zn, txn, rc, rc ? NULL : &key);
	ck_assert_ptr_null(key.uss_list);
}

static void *waiter(void *arg)
{
	struct gba_naf_key key = { 0 };
	uintptr_t n = (uintptr_t)arg;
	char source[2] = { (char)('a' + n), '\0' };
	int rc = fetch_from(source, n % 2, 20000, &key);

	if (rc == 0 && (key.key[5] != 0x42 || strcmp(key.uss_list, "<ussList/>") != 0))
		rc = -1;
	naf_key_clear(&key);
	return (void *)(intptr_t)rc;
}

static pthread_t threads_of[WAITERS];

static void start_waiters(void)
{
	for (uintptr_t i = 0; i < WAITERS; i++)
		ck_assert_int_eq(pthread_create(&threads_of[i], NULL, waiter, (void *)i), 0);
	wait_waiting(WAITERS); /* who asks counts as waiting before the question is out */
	wait_questions(2);
	ck_assert_uint_eq(held.n, 2);
}

static void end_waiters(int rc)
{
	void *got;

	for (size_t i = 0; i < WAITERS; i++) {
		pthread_join(threads_of[i], &got);
		ck_assert_int_eq((int)(intptr_t)got, rc);
	}
}

/*! All that came while the question was on its way share its answer. */
START_TEST(merged)
{
	unsigned keys, refusals;

	open_zn(10);
	start_waiters();
	answer(held.txn[0], 0, 0x42);
	answer(held.txn[1], 0, 0x42);
	end_waiters(0);
	ck_assert_uint_eq(held.n, 2);
	naf_ks_count(ks, &keys, &refusals);
	ck_assert_uint_eq(keys, 2);
	close_zn();
}
END_TEST

/*! "Unknown" to somebody's earlier question is asked once more, by one for all; each remembers it for its own source. */
START_TEST(merged_refusal)
{
	unsigned keys, refusals;

	open_zn(10);
	start_waiters();
	answer(held.txn[0], -ENOENT, 0);
	answer(held.txn[1], -ENOENT, 0);
	wait_questions(4);
	wait_waiting(WAITERS - 2);
	answer(held.txn[2], -ENOENT, 0);
	answer(held.txn[3], -ENOENT, 0);
	end_waiters(-ENOENT);
	ck_assert_uint_eq(held.n, 4);
	naf_ks_count(ks, &keys, &refusals);
	ck_assert_uint_eq(keys, 0);
	ck_assert_uint_eq(refusals, 4);
	close_zn();
}
END_TEST

/*! A refusal that is no question of time is shared, and remembered for all. */
START_TEST(merged_not_authorized)
{
	struct gba_naf_key key = { 0 };

	open_zn(10);
	start_waiters();
	answer(held.txn[0], -EPERM, 0);
	answer(held.txn[1], -EPERM, 0);
	end_waiters(-EPERM);
	ck_assert_int_eq(fetch_from("somebody else", 0, 1000, &key), -EPERM);
	ck_assert_uint_eq(held.n, 2);
	close_zn();
}
END_TEST

/*! The owner comes while the question of a stranger, who has seen RAND on Ub, is on its way: its "unknown" is not his. */
START_TEST(stranger_asks_first)
{
	pthread_t stranger, owner;
	void *rc;

	open_zn(10);
	ck_assert_int_eq(pthread_create(&stranger, NULL, waiter, (void *)0), 0);
	wait_questions(1);
	ck_assert_int_eq(pthread_create(&owner, NULL, waiter, (void *)2), 0);
	wait_waiting(2);
	answer(held.txn[0], -ENOENT, 0);
	pthread_join(stranger, &rc);
	ck_assert_int_eq((int)(intptr_t)rc, -ENOENT);
	wait_questions(2);
	answer(held.txn[1], 0, 0x42);
	pthread_join(owner, &rc);
	ck_assert_int_eq((int)(intptr_t)rc, 0);
	close_zn();
}
END_TEST

/*! Late, double and unknown answers reach nobody and leave nothing. */
START_TEST(late)
{
	struct gba_naf_key key = { 0 };
	unsigned keys, refusals;

	open_zn(10);
	ck_assert_int_eq(fetch(1, 20, &key), -ETIMEDOUT);
	answer(held.txn[0], 0, 1);
	answer(held.txn[0], 0, 1);
	answer(777, 0, 1);
	answer(778, -ENOENT, 1);
	naf_ks_count(ks, &keys, &refusals);
	ck_assert_uint_eq(keys + refusals, 0);
	held.refuse = -EHOSTDOWN;
	ck_assert_int_eq(fetch(1, 1000, &key), -EHOSTDOWN);
	held.refuse = 0;
	ck_assert_int_eq(fetch(2, 20, &key), -ETIMEDOUT);
	close_zn();
}
END_TEST

static void *slow(void *arg)
{
	struct gba_naf_key key = { 0 };
	int rc = fetch(1, 20000, &key);

	naf_key_clear(&key);
	return (void *)(intptr_t)rc;
}

/*! One gives up at its deadline, the other still gets the answer; no question beyond the bound. */
START_TEST(deadlines)
{
	struct gba_naf_key key = { 0 };
	pthread_t t;
	void *rc;

	open_zn(1);
	ck_assert_int_eq(pthread_create(&t, NULL, slow, NULL), 0);
	wait_questions(1);
	ck_assert_int_eq(fetch(1, 20, &key), -ETIMEDOUT);
	ck_assert_int_eq(fetch(2, 1000, &key), -EBUSY);
	ck_assert_uint_eq(held.n, 1);
	answer(held.txn[0], 0, 0x42);
	pthread_join(t, &rc);
	ck_assert_int_eq((int)(intptr_t)rc, 0);
	close_zn();
}
END_TEST

/*! \returns when the key ends, or what was wrong */
static void *no_expiry(void *arg)
{
	struct gba_naf_key key = { 0 };
	int rc = fetch(1, 20000, &key);
	intptr_t end = rc < 0 ? rc : key.expires_at;

	naf_key_clear(&key);
	return (void *)end;
}

/*! A key without expiry is used for a short while, one that is over not at all. */
START_TEST(expiry)
{
	struct gba_naf_key key = { 0 }, out = { 0 };
	struct naf_ks_id id;
	struct naf_id naf_id;
	struct btid btid = { .domain = DOMAIN };
	struct naf_now now;
	time_t before;
	pthread_t t;
	void *end;

	open_zn(10);
	key.created_at = NAF_TIME_NONE;
	naf_clock(&now);
	ck_assert_int_eq(naf_id_make(&naf_id, "naf1.example.com", UA_ID_HTTP_DIGEST), 0);
	naf_ks_id_make(&id, &btid, &naf_id);
	key.expires_at = now.wall_s;
	ck_assert_int_eq(naf_ks_put(ks, &id, &now, &key, &out), -EKEYEXPIRED);
	key.expires_at = 0; /* the first of January 1970 is an instant, and over */
	ck_assert_int_eq(naf_ks_put(ks, &id, &now, &key, &out), -EKEYEXPIRED);
	key.expires_at = key.created_at = NAF_TIME_NONE;
	ck_assert_int_eq(pthread_create(&t, NULL, no_expiry, NULL), 0);
	wait_questions(1);
	before = time(NULL);
	naf_zn_answer(zn, held.txn[0], 0, &key);
	pthread_join(t, &end);
	ck_assert_int_ge((intptr_t)end, before + 300); /* a busy machine may take its time before and after */
	ck_assert_int_le((intptr_t)end, time(NULL) + 300);
	close_zn();
}
END_TEST

static struct gba_naf_config config(struct gba_naf_fake *fake)
{
	static const char *const names[] = { "naf1.example.com" }, *const bsfs[] = { DOMAIN };
	struct gba_naf_config c;

	gba_naf_config_init(&c);
	c.names = names;
	c.n_names = 1;
	c.bsf_names = bsfs;
	c.n_bsf_names = 1;
	c.fake = fake;
	return c;
}

static void refused(const struct gba_naf_config *c, const char *word)
{
	char err[256] = "";

	ck_assert_ptr_null(gba_naf_new(c, err, sizeof(err)));
	ck_assert_msg(strstr(err, word) != NULL, "\"%s\" does not say \"%s\"", err, word);
	ck_assert_ptr_null(gba_naf_new(c, NULL, 0));
}

START_TEST(configurations)
{
	struct gba_naf_fake *fake = gba_naf_fake_new();
	const char *bad[] = { "no name" }, *port[] = { "naf1.example.com:80" }, *null[] = { NULL };
	struct gba_naf_config c = config(fake);
	struct gba_naf_diameter d;

	gba_naf_diameter_init(&d);
	d.identity = "naf1.example.com";
	refused(NULL, "gba_naf_config_init");
	c.size = 0;
	refused(&c, "gba_naf_config_init");
	c.size = sizeof(c) + 8;
	refused(&c, "size");
	c = config(NULL);
	refused(&c, "exactly one");
	c = config(fake);
	c.diameter = &d;
	refused(&c, "exactly one");
	c.fake = NULL;
	refused(&c, "realm is needed");
	d.size = 0;
	refused(&c, "gba_naf_diameter_init");
	c = config(fake);
	c.n_names = 0;
	refused(&c, "names");
	c = config(fake);
	c.names = bad;
	refused(&c, "no DNS name");
	c.names = port;
	refused(&c, "naf1.example.com:80");
	c.names = null;
	refused(&c, "names[0]");
	c = config(fake);
	c.bsf_names = bad;
	refused(&c, "bsf_names[0]");
	c = config(fake);
	c.algorithms = 4;
	refused(&c, "algorithms");
	c = config(fake);
	c.qop = 4;
	refused(&c, "qop");
	c = config(fake);
	c.names = NULL;
	refused(&c, "names");
	c = config(fake);
	c.bsf_names = NULL;
	refused(&c, "names");
	c = config(fake);
	c.n_gsids = 1;
	refused(&c, "gsids");
	gba_naf_free(NULL);
	gba_naf_fake_free(NULL);
	gba_naf_fake_free(fake);
}
END_TEST

/*! rc of gba_naf_fetch_key(); what came is checked and released. */
static int key_for(struct gba_naf *naf, const char *btid, const char *host, const uint8_t *ua)
{
	struct gba_naf_request req;
	struct gba_naf_key *key = NULL;
	int rc;

	gba_naf_request_init(&req);
	req.host = host;
	req.ua_id = ua;
	rc = gba_naf_fetch_key(naf, btid, &req, &key);
	ck_assert(!key == !!rc);
	if (key) {
		ck_assert_str_eq(key->impi, "a@b.example");
		ck_assert_uint_eq(key->size, sizeof(*key));
	}
	gba_naf_key_free(key);
	return rc;
}

START_TEST(keys)
{
	static const uint8_t tls[5] = { 1, 0, 1, 0xc0, 0x2b };
	struct gba_naf_fake *fake = gba_naf_fake_new();
	struct gba_naf_config c = config(fake);
	struct gba_naf *naf = gba_naf_new(&c, NULL, 0);
	struct gba_naf_key in = { .size = sizeof(in), .expires_at = time(NULL) + 100, .impi = "a@b.example" };
	enum gba_naf_cause cause;

	ck_assert_int_eq(gba_naf_fake_add(fake, "nonsense", &in), -EINVAL);
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &in), 0);
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &in), 0); /* replaced: it is removed once below */
	ck_assert_int_eq(key_for(naf, BTID, NULL, NULL), 0);
	ck_assert_int_eq(key_for(naf, BTID, "NAF1.example.com:8080", tls), 0);
	ck_assert_uint_eq(gba_naf_fake_asked(fake), 2); /* another Ua protocol is another key */
	ck_assert_int_eq(key_for(naf, BTID, "other.example.com", NULL), -EINVAL);
	ck_assert_int_eq(key_for(naf, "x@y", NULL, NULL), -EINVAL);
	ck_assert_int_eq(key_for(naf, "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.other.example", NULL, NULL), -EREMOTE);
	ck_assert_int_eq(gba_naf_fake_remove(fake, BTID), 0);
	ck_assert_int_eq(gba_naf_fake_remove(fake, BTID), -ENOENT);
	ck_assert_int_eq(key_for(naf, BTID, NULL, NULL), 0); /* cached: revocation acts at its expiry */
	gba_naf_free(naf);
	gba_naf_fake_free(fake);
	ck_assert_int_eq(gba_naf_key_verdict(-EPERM, &cause), GBA_NAF_DENY);
	ck_assert_str_eq(gba_naf_cause_name(cause), "naf_not_authorized");
	ck_assert_int_eq(gba_naf_key_verdict(-12345, &cause), GBA_NAF_TEMPORARY);
	ck_assert_str_eq(gba_naf_strerror(-12345), "unknown result");
	ck_assert_str_eq(gba_naf_cause_name(GBA_NAF_CAUSE_COUNT), "?");
	ck_assert_str_eq(gba_naf_verdict_name((enum gba_naf_verdict)7), "?");
	for (int i = 0; i < GBA_NAF_CAUSE_COUNT; i++)
		ck_assert_int_eq(strncmp(gba_naf_cause_name((enum gba_naf_cause)i), "naf_", 4), 0);
}
END_TEST

static atomic_bool stop;
static pthread_barrier_t start_line; /* all at once, else the first is done before the last begins */

static void *asker(void *arg)
{
	struct gba_naf *naf = arg;
	struct gba_naf_request req;
	struct gba_naf_key *key;
	char btid[256];

	gba_naf_request_init(&req);
	req.deadline_ms = 20;
	pthread_barrier_wait(&start_line);

	for (unsigned i = 0; i < 1500; i++) {
		snprintf(btid, sizeof(btid), "%c1U8vpY3qJ0hiuZNrke/NQ==@" DOMAIN, 'A' + (int)(i % 26));
		if (gba_naf_fetch_key(naf, btid, &req, &key) == 0)
			gba_naf_key_free(key);
	}
	return NULL;
}

static void *changer(void *arg)
{
	struct gba_naf_key key = { .size = sizeof(key), .expires_at = time(NULL) + 100 };
	char btid[256];

	pthread_barrier_wait(&start_line);
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		snprintf(btid, sizeof(btid), "%c1U8vpY3qJ0hiuZNrke/NQ==@" DOMAIN, 'A' + (int)(i % 26));
		gba_naf_fake_add(arg, btid, &key);
		gba_naf_fake_set(arg, i % 5 ? GBA_NAF_FAKE_NORMAL : GBA_NAF_FAKE_DOWN);
		if (i % 3 == 0)
			gba_naf_fake_remove(arg, btid);
	}
	return NULL;
}

/*! For the thread sanitizer. */
START_TEST(threads)
{
	struct gba_naf_fake *fake = gba_naf_fake_new();
	struct gba_naf_config c = config(fake);
	struct gba_naf *naf;
	pthread_t t[4], change;

	c.cache_keys = 10;
	c.refusals = 5;
	naf = gba_naf_new(&c, NULL, 0);
	pthread_barrier_init(&start_line, NULL, 5);
	ck_assert_int_eq(pthread_create(&change, NULL, changer, fake), 0);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, asker, naf), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	atomic_store(&stop, true);
	pthread_join(change, NULL);
	gba_naf_free(naf);
	gba_naf_fake_free(fake);
}
END_TEST

SUITE("naf_zn", merged, merged_refusal, merged_not_authorized, stranger_asks_first, late, deadlines, expiry,
      configurations, keys, threads)
