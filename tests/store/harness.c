/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/store/harness.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <openssl/sha.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include "bsf/store/redis.h"
#include "common/base/clock.h"
#include "common/rt/deadline.h"

const struct seal_kek kek_1 = { .id = 1, .key = { 32, { [0 ... 31] = 0x11 } } };
const struct seal_kek kek_2 = { .id = 2, .key = { 32, { [0 ... 31] = 0x22 } } };

const char *temp_dir(void)
{
	static char path[256];
	const char *base = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/gba-store-XXXXXX", base && *base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(path));
	return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void temp_dir_remove(const char *dir)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct store_lmdb_cfg lmdb_cfg(void)
{
	return (struct store_lmdb_cfg){ .limit_gib = 1, .keks = &kek_1, .n_keks = 1 };
}

static void on_done(void *owner, uint64_t txn, const struct store_answer *a)
{
	struct harness *h = owner;

	ck_assert_msg(!h->answered, "answered twice");
	h->answered = true;
	h->txn = txn;
	h->a = *a;
	ck_assert(a->rc == 0 || (!a->session && !a->challenge && !a->impi));
	if (a->session)
		gba_session_copy(&h->session, a->session);
	if (a->challenge)
		gba_challenge_copy(&h->challenge, a->challenge);
	if (a->impi)
		strcpy(h->impi, a->impi);
	if (a->spread)
		h->spread = *a->spread;
	if (a->guss)
		h->session.guss = guss_blob_get(a->guss);
	h->a.guss = NULL;
	h->a.spread = NULL;
	h->a.session = NULL;
	h->a.challenge = NULL;
	h->a.impi = NULL;
}

static void answer_clear(struct harness *h)
{
	gba_session_clear(&h->session);
	gba_challenge_clear(&h->challenge);
	h->impi[0] = '\0';
	h->answered = false;
}

static void attach(struct harness *h)
{
	h->st = store_new(NULL, h->sh, on_done, h);
	ck_assert_ptr_nonnull(h->st);
}

void harness_open_mem(struct harness *h)
{
	struct err err;

	memset(h, 0, sizeof(*h));
	h->sh = store_shared_mem_new(&err);
	ck_assert_ptr_nonnull(h->sh);
	attach(h);
}

bool harness_try_lmdb(struct harness *h, const char *dir, const struct store_lmdb_cfg *cfg, struct err *err)
{
	struct store_lmdb_cfg c = *cfg;

	memset(h, 0, sizeof(*h));
	c.dir = dir;
	h->sh = store_shared_lmdb_new(&c, err);
	if (h->sh)
		attach(h);
	return h->sh;
}

void harness_open_lmdb(struct harness *h, const char *dir, const struct store_lmdb_cfg *cfg)
{
	struct err err = { "" };

	ck_assert_msg(harness_try_lmdb(h, dir, cfg, &err), "%s", err.text);
}

struct store_redis_cfg redis_cfg(const struct sockaddr_storage *addr)
{
	return (struct store_redis_cfg){ .addr = *addr,
					 .timeout_ms = 20000,
					 .lease_ms = 20000,
					 .others_lease_ms = 100,
					 .keks = &kek_1,
					 .n_keks = 1 };
}

void store_wait_up(struct store *st)
{
	while (st->part && (!((struct redis_part *)st->part)->is_up || store_lease_over(st->sh))) {
		osmo_select_main(1);
		usleep(500); /* another thread hears of the marks */
	}
}

void wait_why(struct harness *h, const char *words)
{
	struct store_links l;

	do {
		osmo_select_main(0);
		ck_assert(store_shared_links(h->sh, &l));
	} while (!strstr(l.why, words));
	ck_assert_uint_eq(l.up, 0);
}

void harness_open_redis(struct harness *h, const struct store_redis_cfg *cfg)
{
	struct err err;

	memset(h, 0, sizeof(*h));
	h->sh = store_shared_redis_new(cfg, &err);
	ck_assert_ptr_nonnull(h->sh);
	attach(h);
	store_wait_up(h->st);
}

void harness_close(struct harness *h)
{
	answer_clear(h);
	talloc_free(h->st);
	store_shared_free(h->sh);
	memset(h, 0, sizeof(*h));
}

/* At hand, or wait for done(), which must not have come within the call. SUITE_TIMEOUT_S ends a wait in vain. */
static int answer(struct harness *h, const struct store_answer *a)
{
	ck_assert_msg(!h->answered, "done() within the call");
	if (a)
		on_done(h, h->next_txn, a);
	store_forget(h->st);
	while (!h->answered)
		osmo_select_main(0);
	ck_assert_uint_eq(h->txn, h->next_txn);
	return h->a.rc;
}

/* Challenges that are made from now on are younger. */
static int revoked(struct harness *h, const struct store_answer *a)
{
	int rc = answer(h, a);
	int64_t at = store_clock_ms(h->st);

	while (store_clock_ms(h->st) <= at)
		usleep(500);
	return rc;
}

int put(struct harness *h, const struct gba_session *s)
{
	struct gba_session made = *s;
	int rc;

	/* a clock that is another machine's may be ahead by what it takes to ask for it: the device begins again */
	do {
		if (!s->made_ms)
			made.made_ms = store_clock_ms(h->st);
		answer_clear(h);
		rc = answer(h, store_put(h->st, &made, ++h->next_txn));
	} while (rc == -EKEYREVOKED && !s->made_ms && h->st->part && usleep(1000) == 0);
	return rc;
}

int get(struct harness *h, const struct btid *id)
{
	answer_clear(h);
	return answer(h, store_get(h->st, id, ++h->next_txn));
}

int use_again(struct harness *h, const struct gba_session *s, const char *naf)
{
	answer_clear(h);
	return answer(h, store_use(h->st, s, naf, ++h->next_txn));
}

uint32_t use(struct harness *h, const struct btid *id, const char *naf)
{
	struct gba_session s = { .guss = NULL };
	uint32_t looked;

	ck_assert_int_eq(get(h, id), 0);
	gba_session_copy(&s, &h->session);
	answer_clear(h);
	ck_assert_int_eq(answer(h, store_use_look(h->st, &s, naf, ++h->next_txn)), 0);
	looked = h->a.uses;
	ck_assert_int_eq(use_again(h, &s, naf), 0);
	ck_assert_uint_eq(h->a.uses, looked); /* looking had counted nothing */
	assert_same_session(&h->session, &s);
	gba_session_clear(&s);
	return h->a.uses;
}

int find_tmpi(struct harness *h, const uint8_t tmpi[TMPI_LEN])
{
	answer_clear(h);
	return answer(h, store_find_tmpi(h->st, tmpi, ++h->next_txn));
}

int revoke_impi(struct harness *h, const char *impi)
{
	answer_clear(h);
	return revoked(h, store_revoke_impi(h->st, impi, ++h->next_txn));
}

struct guss_blob *find_guss(struct harness *h, const char *impi)
{
	answer_clear(h);
	ck_assert_int_eq(answer(h, store_find_guss(h->st, impi, ++h->next_txn)), 0);
	return h->session.guss;
}

int push_guss(struct harness *h, const char *impi, struct guss_blob *guss, uint64_t keep_ms)
{
	const struct store_answer *a;

	answer_clear(h);
	a = store_guss(h->st, impi, guss, keep_ms, ++h->next_txn);
	guss_blob_put(guss);
	return answer(h, a);
}

int revoke_btid(struct harness *h, const struct btid *id)
{
	answer_clear(h);
	return revoked(h, store_revoke_btid(h->st, id, ++h->next_txn));
}

int revoke_naf(struct harness *h, const char *fqdn)
{
	answer_clear(h);
	return revoked(h, store_revoke_naf(h->st, fqdn, ++h->next_txn));
}

int revoke_all(struct harness *h)
{
	answer_clear(h);
	return revoked(h, store_revoke_all(h->st, ++h->next_txn));
}

int reseal(struct harness *h, struct reseal_step *step)
{
	answer_clear(h);
	return answer(h, store_reseal(h->st, step, ++h->next_txn));
}

int challenge_put(struct harness *h, const struct gba_challenge *c)
{
	answer_clear(h);
	return answer(h, store_challenge_put(h->st, c, NULL, ++h->next_txn));
}

int challenge_put_counted(struct harness *h, const struct gba_challenge *c, const struct store_count *count)
{
	answer_clear(h);
	return answer(h, store_challenge_put(h->st, c, count, ++h->next_txn));
}

int challenge_take(struct harness *h, const struct gba_challenge *c)
{
	answer_clear(h);
	return answer(h, store_challenge_take(h->st, gba_challenge_key(c), ++h->next_txn));
}

static void digest_of(uint8_t md[32], unsigned n, char what)
{
	char text[32];

	snprintf(text, sizeof(text), "%c%u", what, n);
	SHA256((const uint8_t *)text, strlen(text), md);
}

struct guss_blob *guss_noise(size_t len)
{
	uint8_t *octets;
	struct guss_blob *b = guss_blob_room(len, &octets);
	uint32_t x = 1;

	ck_assert_ptr_nonnull(b);
	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		octets[i] = (uint8_t)(x >> 24);
	}
	return b;
}

struct gba_session session_make(unsigned n, const char *impi, const char *bsf_name, bool with_tmpi)
{
	struct gba_session s = { .variant = GBA_VARIANT_ME, .has_tmpi = with_tmpi };
	uint8_t md[32];

	digest_of(md, n, 'r');
	memcpy(s.rand, md, AKA_RAND_LEN);
	digest_of(md, n, 'k');
	secret_set(&s.ks, md, 32);
	digest_of(md, n, 't');
	if (with_tmpi)
		memcpy(s.tmpi, md, TMPI_LEN);
	snprintf(s.impi.s, sizeof(s.impi.s), "%s", impi);
	snprintf(s.bsf_name, sizeof(s.bsf_name), "%s", bsf_name);
	s.created_at = time(NULL);
	s.expires_at = s.created_at + 1000;
	return s;
}

struct btid btid_of(const struct gba_session *s)
{
	struct btid id;

	memcpy(id.rand, s->rand, AKA_RAND_LEN);
	strcpy(id.domain, s->bsf_name);
	return id;
}

struct gba_challenge challenge_make(unsigned n, uint64_t life_ms)
{
	struct gba_challenge c = { .variant = GBA_VARIANT_ME, .created_at = time(NULL), .key_life_s = 77 };
	uint8_t md[32];

	digest_of(md, n, 'c');
	memcpy(c.key, md, sizeof(md));
	c.key_len = n % 3 ? sizeof(md) : CHALLENGE_KEY_MIN;
	digest_of(md, n, 'x');
	secret_set(&c.aka.xres, md, 8);
	digest_of(md, n, 'k');
	secret_set(&c.aka.ks, md, sizeof(md));
	snprintf(c.impi.s, sizeof(c.impi.s), "u%u@example.org", n);
	snprintf(c.username, sizeof(c.username), "u%u@example.org", n);
	strcpy(c.bsf_name, BSF_A);
	snprintf(c.opaque, sizeof(c.opaque), "%032u", n);
	c.expires_mono_ms = clock_mono_ms() + life_ms;
	return c;
}

void assert_same_session(const struct gba_session *got, const struct gba_session *want)
{
	ck_assert_mem_eq(got->rand, want->rand, AKA_RAND_LEN);
	ck_assert(secret_equal(&got->ks, &want->ks));
	ck_assert_str_eq(got->impi.s, want->impi.s);
	ck_assert_str_eq(got->bsf_name, want->bsf_name);
	ck_assert_int_eq(got->variant, want->variant);
	ck_assert_int_eq(got->created_at, want->created_at);
	ck_assert_int_eq(got->expires_at, want->expires_at);
	ck_assert_int_eq(got->has_tmpi, want->has_tmpi);
	if (want->has_tmpi)
		ck_assert_mem_eq(got->tmpi, want->tmpi, TMPI_LEN);
	ck_assert(span_eq(guss_blob_span(got->guss), guss_blob_span(want->guss)));
}
