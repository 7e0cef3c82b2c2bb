/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Our codec and the one over the Diameter library read and write the same, for messages made at random: values, order,
 * what relays add, what is read over. DIA_DIFFER=n messages (default 20,000). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/fd/zh_codec.h"
#include "common/dia/zh_wire.h"
#include "tests/fd/zn_codec.h"
#include "common/dia/zn_wire.h"
#include "tests/fd/fd_parser.h"
#include "tests/fd/zh_codec.h"
#include "tests/fd/zn_codec.h"
#include "tests/unit/suite.h"

#define N_DEFAULT  20000
#define TIMEOUT_S  3600
#define PIECES_MAX 80

static uint64_t state;
static struct octets request, theirs, ours, scratch;
static struct dia_self self;

static uint32_t rnd(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16) % below;
}

static bool chance(uint32_t percent)
{
	return rnd(100) < percent;
}

static size_t rnd_octets(uint8_t *out, size_t min, size_t max)
{
	size_t n = min + rnd((uint32_t)(max - min + 1));

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)rnd(256);
	return n;
}

static void rnd_text(char *out, size_t min, size_t max, const char *of)
{
	size_t n = min + rnd((uint32_t)(max - min + 1)), len = strlen(of);

	for (size_t i = 0; i < n; i++)
		out[i] = of[rnd((uint32_t)len)];
	out[n] = '\0';
}

#define NAME "abcxyzABC019-_"
#define FREE NAME "@;:/ .=+\"<"

/* The pieces are put together in another order; Session-Id stays first. */
static void shuffle(struct octets *m)
{
	struct span piece[PIECES_MAX], kept;
	struct dia_iter it;
	struct dia_avp a;
	struct writer w;
	size_t n = 0;

	scratch = *m;
	it = dia_wire_avps(span_of(scratch.b, scratch.len));
	while (n < PIECES_MAX && dia_wire_next(&it, &a) == 1)
		piece[n++] = a.whole;
	for (size_t i = n; i > 2; i--) {
		size_t j = 1 + rnd((uint32_t)i - 1);

		kept = piece[i - 1];
		piece[i - 1] = piece[j];
		piece[j] = kept;
	}
	writer_init(&w, m->b, sizeof(m->b));
	writer_put(&w, scratch.b, DIA_HDR_LEN);
	for (size_t i = 0; i < n; i++)
		dia_wire_put_whole(&w, piece[i]);
	m->len = w.len;
}

/* What relays and newer peers add. */
static void decorate(struct octets *m)
{
	uint8_t b[64];
	char name[40];

	while (chance(30)) {
		size_t n = rnd_octets(b, 0, sizeof(b));

		octets_add(m, 60000 + rnd(100), chance(50) ? 0x20 : 0, chance(50) ? 0 : 1 + rnd(9), b, n);
	}
	while (chance(20)) {
		rnd_text(name, 1, 30, NAME);
		octets_add(m, dia_dict(AVP_ROUTE_RECORD)->code, DIA_FLAG_M, 0, name, strlen(name));
	}
	if (chance(10))
		octets_add(m, dia_dict(AVP_UE_ID)->code, DIA_FLAG_M, DIA_VENDOR_TGPP, b, rnd_octets(b, 0, 20));
	if (chance(50))
		shuffle(m);
}

static void add_proxy_info(struct octets *m)
{
	static struct octets inner;
	char host[40];
	uint8_t b[40];

	inner.len = DIA_HDR_LEN;
	rnd_text(host, 1, 30, NAME);
	octets_add(&inner, dia_dict(AVP_PROXY_HOST)->code, DIA_FLAG_M, 0, host, strlen(host));
	octets_add(&inner, dia_dict(AVP_PROXY_STATE)->code, DIA_FLAG_M, 0, b, rnd_octets(b, 0, sizeof(b)));
	octets_add(m, dia_dict(AVP_PROXY_INFO)->code, DIA_FLAG_M, 0, inner.b + DIA_HDR_LEN, inner.len - DIA_HDR_LEN);
}

/* The library made its own Session-Id and End-to-End id: ours is built with the same. */
static struct dia_address address_of(const struct octets *m, char *sid, size_t cap)
{
	struct dia_address to = { .self = &self };
	struct dia_hdr hdr;

	dia_wire_hdr(&hdr, m->b);
	to.hop_by_hop = hdr.hop_by_hop;
	to.end_to_end = hdr.end_to_end;
	ck_assert_int_eq(span_to_str(sid, cap, octets_data(m, dia_dict(AVP_SESSION_ID)->code, 0)), 0);
	to.session_id = sid;
	return to;
}

static void same_octets(const char *what, uint64_t at)
{
	if (theirs.len != ours.len || memcmp(theirs.b, ours.b, ours.len)) {
		for (size_t i = 0; i < theirs.len; i++)
			fprintf(stderr, "%02x%s", theirs.b[i], i % 32 == 31 ? "\n" : "");
		fprintf(stderr, "\nours:\n");
		for (size_t i = 0; i < ours.len; i++)
			fprintf(stderr, "%02x%s", ours.b[i], i % 32 == 31 ? "\n" : "");
		ck_abort_msg("%s differs, message %" PRIu64, what, at);
	}
}

static int by_content(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	size_t n = x->len < y->len ? x->len : y->len;
	int d = memcmp(x->p, y->p, n);

	return d ? d : (x->len > y->len) - (x->len < y->len);
}

/* The library puts Proxy-Info before its own AVPs, we behind: sorted they are the same. */
static void sort_avps(struct octets *m)
{
	struct span piece[PIECES_MAX];
	struct dia_iter it;
	struct dia_avp a;
	struct writer w;
	size_t n = 0;

	scratch = *m;
	it = dia_wire_avps(span_of(scratch.b, scratch.len));
	while (n < PIECES_MAX && dia_wire_next(&it, &a) == 1)
		piece[n++] = a.whole;
	qsort(piece, n, sizeof(piece[0]), by_content);
	writer_init(&w, m->b, sizeof(m->b));
	writer_put(&w, scratch.b, DIA_HDR_LEN);
	for (size_t i = 0; i < n; i++)
		dia_wire_put_whole(&w, piece[i]);
	m->len = w.len;
}

static void rnd_naf_id(struct naf_id *out)
{
	static const uint8_t ua[UA_ID_LEN] = { 1, 0, 0, 0, 2 };
	char host[80];

	do
		rnd_text(host, 1, 60, "abc.-01");
	while (naf_id_make(out, host, ua));
}

static void same_bir(uint64_t at)
{
	struct zn_bir a = { .n_gsids = 0 }, b = { .n_gsids = 0 };
	struct result bad = { 0 };
	struct dia_fault f;
	struct msg *m = fd_parser_msg(&request);
	int rc = zn_bir_decode(&a, m, &bad), rc2;

	fd_msg_free(m);
	rc2 = zn_wire_bir_get(&b, span_of(request.b, request.len), &f, NULL);
	ck_assert_msg(rc == rc2, "BIR %" PRIu64 ": %d %d %u", at, rc, rc2, f.code);
	if (rc) {
		ck_assert_uint_eq(bad.code, f.code);
		return;
	}
	ck_assert_str_eq(a.origin_host, b.origin_host);
	ck_assert_int_eq(a.btid_ok, b.btid_ok);
	ck_assert(!a.btid_ok ||
		  (!memcmp(a.btid.rand, b.btid.rand, sizeof(a.btid.rand)) && !strcmp(a.btid.domain, b.btid.domain)));
	ck_assert_uint_eq(a.naf_id.len, b.naf_id.len);
	ck_assert_mem_eq(a.naf_id.raw, b.naf_id.raw, a.naf_id.len);
	ck_assert_str_eq(a.naf_id.fqdn, b.naf_id.fqdn);
	ck_assert_int_eq(a.gba_u_aware, b.gba_u_aware);
	ck_assert_uint_eq(a.n_gsids, b.n_gsids);
	for (size_t i = 0; i < a.n_gsids; i++)
		ck_assert_str_eq(a.gsids[i], b.gsids[i]);
}

static void one_bir(uint64_t at)
{
	char btid[BTID_MAX + 1], sid[300], gsids[ZN_GSIDS_MAX + 4][ZN_GSID_MAX + 1], realm[60], host[60];
	uint8_t rand[BTID_RAND_LEN];
	size_t n_gsids = chance(5) ? rnd(ZN_GSIDS_MAX + 4) : rnd(4);
	bool aware = chance(50), with_host = chance(50);
	struct naf_id naf;
	struct dia_address to;
	struct writer w;
	struct msg *m;

	rnd_octets(rand, sizeof(rand), sizeof(rand));
	if (chance(80))
		btid_format(btid, rand, "bsf.example");
	else
		rnd_text(btid, 0, 60, FREE);
	rnd_naf_id(&naf);
	for (size_t i = 0; i < n_gsids; i++)
		rnd_text(gsids[i], 1, 10, chance(90) ? "0123456789" : FREE);
	rnd_text(realm, 1, 50, NAME);
	rnd_text(host, 1, 50, NAME);
	ck_assert_int_eq(zn_bir_encode(&m, span_str(btid), &naf, gsids, n_gsids, aware, realm, with_host ? host : NULL),
			 0);
	fd_parser_octets(&theirs, m);
	fd_msg_free(m);
	to = address_of(&theirs, sid, sizeof(sid));
	to.realm = realm;
	to.host = with_host ? host : NULL;
	writer_init(&w, ours.b, sizeof(ours.b));
	ck_assert_int_gt(zn_wire_bir_put(&w, &to, span_str(btid), &naf, gsids, n_gsids, aware), 0);
	ours.len = w.len;
	same_octets("BIR", at);
	request = ours;
	decorate(&request);
	while (chance(20))
		add_proxy_info(&request);
	same_bir(at);
}

static void rnd_result(struct result *r)
{
	static const uint32_t codes[] = { 2001, 2001, 2001, 5012, 5004, 5030, 1001 };

	*r = (struct result){ .code = codes[rnd(7)] };
	if (r->code != 2001 && chance(50)) {
		r->experimental = true;
		r->vendor = DIA_VENDOR_TGPP;
		r->code = 5401 + rnd(3);
	}
}

static void rnd_secret(struct secret *s, size_t min, size_t max)
{
	s->len = (uint8_t)rnd_octets(s->b, min, max);
}

static bool same_result(const struct result *a, const struct result *b)
{
	return a->code == b->code && a->experimental == b->experimental && a->vendor == b->vendor;
}

static void same_bia(uint64_t at)
{
	struct zn_bia a = { .has_times = false }, b = { .has_times = false };
	struct msg *m = fd_parser_msg(&theirs);
	int rc = zn_bia_decode(&a, m), rc2 = zn_wire_bia_get(&b, span_of(theirs.b, theirs.len));

	fd_msg_free(m);
	ck_assert_msg(rc == 0 && rc2 == 0, "BIA %" PRIu64 ": %d %d", at, rc, rc2);
	ck_assert(same_result(&a.result, &b.result));
	ck_assert(secret_equal(&a.me_key, &b.me_key) && secret_equal(&a.uicc_key, &b.uicc_key));
	ck_assert(a.has_times == b.has_times && a.expires_at == b.expires_at && a.created_at == b.created_at);
	ck_assert_str_eq(a.impi.s, b.impi.s);
	ck_assert_uint_eq(a.uss_list_len, b.uss_list_len);
	ck_assert(!a.uss_list_len || !memcmp(a.uss_list, b.uss_list, a.uss_list_len + 1));
	ck_assert_int_eq(a.gba_type, b.gba_type);
	zn_bia_clear(&a);
	zn_bia_clear(&b);
}

static void compare_answers(const char *what, uint64_t at)
{
	sort_avps(&theirs);
	sort_avps(&ours);
	same_octets(what, at);
}

static void one_bia(uint64_t at)
{
	struct zn_bia bia = { .has_times = chance(80), .gba_type = (enum zn_gba_type)rnd(3) };
	char uss[400];
	struct writer w;
	struct msg *m = fd_parser_msg(&request);

	rnd_result(&bia.result);
	if (chance(80))
		rnd_secret(&bia.me_key, 32, 32);
	if (chance(30))
		rnd_secret(&bia.uicc_key, 32, 32);
	bia.expires_at = 1700000000 + rnd(2000000000);
	bia.created_at = 1700000000 + rnd(2000000000);
	if (chance(50))
		rnd_text(bia.impi.s, 1, 200, FREE);
	if (chance(50)) {
		rnd_text(uss, 1, sizeof(uss) - 1, FREE);
		bia.uss_list = uss;
		bia.uss_list_len = strlen(uss);
	}
	ck_assert_int_eq(zn_bia_encode(&m, &bia), 0);
	fd_parser_octets(&theirs, m);
	fd_msg_free(m);
	writer_init(&w, ours.b, sizeof(ours.b));
	ck_assert_int_gt(zn_wire_bia_put(&w, span_of(request.b, request.len), &self, &bia), 0);
	ours.len = w.len;
	compare_answers("BIA", at);
	decorate(&theirs);
	same_bia(at);
}

static void same_mar(uint64_t at)
{
	struct zh_mar a = { .has_resync = false }, b = { .has_resync = false };
	struct result bad = { 0 };
	struct dia_fault f;
	struct msg *m = fd_parser_msg(&request);
	int rc = zh_mar_decode(&a, m, &bad), rc2;

	fd_msg_free(m);
	rc2 = zh_wire_mar_get(&b, span_of(request.b, request.len), &f);
	ck_assert_msg(rc == 0 && rc2 == 0, "MAR %" PRIu64 ": %d %d %u", at, rc, rc2, f.code);
	ck_assert_str_eq(a.impi.s, b.impi.s);
	ck_assert_str_eq(a.scheme, b.scheme);
	ck_assert(a.has_resync == b.has_resync && a.has_guss_timestamp == b.has_guss_timestamp);
	ck_assert_mem_eq(a.rand, b.rand, sizeof(a.rand));
	ck_assert_mem_eq(a.auts, b.auts, sizeof(a.auts));
	ck_assert_int_eq(a.guss_timestamp, b.guss_timestamp);
}

static void one_mar(uint64_t at)
{
	struct zh_mar mar = { .has_resync = chance(30), .has_guss_timestamp = chance(30) };
	char sid[300], realm[60], host[60];
	bool with_host = chance(50);
	struct dia_address to;
	struct writer w;
	struct msg *m;

	rnd_text(mar.impi.s, 1, 200, FREE);
	if (chance(80))
		rnd_text(mar.scheme, 1, ZH_SCHEME_MAX, FREE);
	rnd_octets(mar.rand, sizeof(mar.rand), sizeof(mar.rand));
	rnd_octets(mar.auts, sizeof(mar.auts), sizeof(mar.auts));
	mar.guss_timestamp = 1700000000 + rnd(2000000000);
	rnd_text(realm, 1, 50, NAME);
	rnd_text(host, 1, 50, NAME);
	ck_assert_int_eq(zh_mar_encode(&m, &mar, realm, with_host ? host : NULL), 0);
	fd_parser_octets(&theirs, m);
	fd_msg_free(m);
	to = address_of(&theirs, sid, sizeof(sid));
	to.realm = realm;
	to.host = with_host ? host : NULL;
	writer_init(&w, ours.b, sizeof(ours.b));
	ck_assert_int_gt(zh_wire_mar_put(&w, &to, &mar), 0);
	ours.len = w.len;
	same_octets("MAR", at);
	request = ours;
	decorate(&request);
	while (chance(20))
		add_proxy_info(&request);
	same_mar(at);
}

static void same_maa(uint64_t at)
{
	struct zh_maa a = { .vector.kind = ZH_VECTOR_NONE }, b = { .vector.kind = ZH_VECTOR_NONE };
	struct msg *m = fd_parser_msg(&theirs);
	int rc = zh_maa_decode(&a, m), rc2 = zh_wire_maa_get(&b, span_of(theirs.b, theirs.len));

	ck_assert_msg(rc == 0 && rc2 == 0, "MAA %" PRIu64 ": %d %d", at, rc, rc2);
	ck_assert(same_result(&a.result, &b.result) && a.vector.kind == b.vector.kind);
	ck_assert(!memcmp(&a.vector, &b.vector, sizeof(a.vector)));
	ck_assert(span_eq(a.guss, b.guss));
	fd_msg_free(m);
	zh_maa_clear(&a);
	zh_maa_clear(&b);
}

static void one_maa(uint64_t at)
{
	struct zh_maa maa = { .vector.kind = chance(80) ? ZH_VECTOR_AKA : ZH_VECTOR_NONE };
	char guss[400];
	struct writer w;
	struct msg *m = fd_parser_msg(&request);

	rnd_result(&maa.result);
	rnd_octets(maa.vector.aka.rand, AKA_RAND_LEN, AKA_RAND_LEN);
	rnd_octets(maa.vector.aka.autn, AKA_AUTN_LEN, AKA_AUTN_LEN);
	rnd_secret(&maa.vector.aka.res, AKA_RES_MIN, AKA_RES_MAX);
	rnd_secret(&maa.vector.aka.ck, AKA_KEY_LEN, AKA_KEY_LEN);
	rnd_secret(&maa.vector.aka.ik, AKA_KEY_LEN, AKA_KEY_LEN);
	if (chance(50)) {
		rnd_text(guss, 1, sizeof(guss) - 1, FREE);
		maa.guss = span_str(guss);
	}
	ck_assert_int_eq(zh_maa_encode(&m, &maa), 0);
	fd_parser_octets(&theirs, m);
	fd_msg_free(m);
	writer_init(&w, ours.b, sizeof(ours.b));
	ck_assert_int_gt(zh_wire_maa_put(&w, span_of(request.b, request.len), &self, &maa), 0);
	ours.len = w.len;
	compare_answers("MAA", at);
	decorate(&theirs);
	same_maa(at);
}

/* Four messages a round: a BIR and its BIA, a MAR and its MAA. */
START_TEST(same)
{
	const char *env = getenv("DIA_DIFFER");
	uint64_t n = env ? strtoull(env, NULL, 10) : N_DEFAULT;

	ck_assert_int_eq(fd_parser_init(), 0);
	self = (struct dia_self){ fd_g_config->cnf_diamid, fd_g_config->cnf_diamrlm };
	ck_assert(n > 0);
	for (uint64_t i = 0; i < n; i += 4) {
		state = (i + 1) * 0x9e3779b97f4a7c15;
		one_bir(i);
		one_bia(i + 1);
		one_mar(i + 2);
		one_maa(i + 3);
	}
	printf("%" PRIu64 " messages the same\n", n);
	fflush(stdout);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("differ");
	Suite *s = suite_create("dia_differ");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, same);
	tcase_set_timeout(t, TIMEOUT_S);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
