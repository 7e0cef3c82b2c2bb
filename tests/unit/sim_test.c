/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What the card computes, against TS 35.208 set 1, TS 55.205 and the GBA_U values computed apart (vectors, V1). */
#include <errno.h>

#include "common/crypto/milenage.h"
#include "tests/unit/suite.h"
#include "ue/card/sim_state.h"

#define RAND      "23553cbe9637a89d218ae64dae47bf35"
#define AUTN      "55f328b43577b9b94a9ffac354dfafb3"
#define AUTN_SHA1 "55f328b43577b9b98c7f3f0d723fb244"
#define AUTN_S256 "55f328b43577b9b92d83035ab7c3bbf1"
#define IMPI      "234150999999999@ims.mnc015.mcc234.3gppnetwork.org"
#define NAF       "6e6166312e6578616d706c652e636f6d0100000002"
#define KS        "b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441"

static uint8_t rand_[16], autn[16], naf_id[21];

/* A card that has seen the numbers before the vector's. */
static struct sim card_with(enum gba_u_hash mac_star)
{
	struct sim s = {
		.cred = { .k = secret_of("465b5ce8b199b49faa5f0a2ee238a6bc"),
			  .opc = secret_of("cd63cb71954a9f4e48a5994e37a02baf") },
		.mac_star = mac_star,
	};

	s.sqn.seq[0] = (0xff9bb4d0b607ull >> SQN_IND_BITS) - 1;
	octets_of(rand_, sizeof(rand_), RAND);
	octets_of(naf_id, sizeof(naf_id), NAF);
	return s;
}

START_TEST(context_3g)
{
	struct sim s = card_with(GBA_U_SHA1);
	struct card_answer a;
	struct secret kc;

	octets_of(autn, sizeof(autn), AUTN);
	ck_assert_int_eq(sim_3g(&s, &a, rand_, autn), 0);
	ck_assert_int_eq(a.outcome, CARD_OK);
	ck_assert_secret(a.res, "a54211d5e3ba50bf");
	ck_assert_secret(a.ck, "b40ba9a3c58b2a05bbf0d987b21bf8cb");
	ck_assert_secret(a.ik, "f769bcd751044604127672711c6d3441");
	sim_kc(&kc, &a.ck, &a.ik);
	ck_assert_secret(kc, "eae4be823af9a08b");
	ck_assert_uint_eq(s.ks.len, 0);
}
END_TEST

START_TEST(context_gsm)
{
	struct sim s = card_with(GBA_U_SHA1);
	struct secret sres, kc;

	ck_assert_int_eq(sim_gsm(&s, &sres, &kc, rand_), 0);
	ck_assert_secret(sres, "46f8416a");
	ck_assert_secret(kc, "eae4be823af9a08b");
}
END_TEST

/* 220-5.2.1-1, 220-5.3.2-8, 220-5.3.2-11: CK and IK stay in the card; RES leaves with its last bit turned over; RAND is kept, the old B-TID is not. */
START_TEST(context_gba)
{
	static const struct {
		enum gba_u_hash hash;
		const char *autn;
	} rows[] = { { GBA_U_SHA1, AUTN_SHA1 }, { GBA_U_SHA256, AUTN_S256 } };
	const struct secret none = { 0 };
	struct secret ext, in;
	struct card_answer a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim s = card_with(rows[i].hash);

		ck_assert_int_eq(sim_derive(&s, &ext, &in, span_of(naf_id, sizeof(naf_id)), span_str(IMPI)), -ENOKEY);
		strcpy(s.gbabp.btid, "old");
		octets_of(autn, sizeof(autn), rows[i].autn);
		ck_assert_int_eq(sim_gba(&s, &a, rand_, autn), 0);
		ck_assert_int_eq(a.outcome, CARD_OK);
		ck_assert_secret(a.res, "a54211d5e3ba50be");
		ck_assert_mem_eq(&a.ck, &none, sizeof(none));
		ck_assert_mem_eq(&a.ik, &none, sizeof(none));
		ck_assert_secret(s.ks, KS);
		ck_assert(s.gbabp.has_rand && !s.gbabp.btid[0]);
		ck_assert_octets(s.gbabp.rand, RAND);
		ck_assert_int_eq(sim_derive(&s, &ext, &in, span_of(naf_id, sizeof(naf_id)), span_str(IMPI)), 0);
		ck_assert_secret(ext, "f8cf543ce60250e3da34fd1cb463ad17dffb7f6bdd021f82cb944b439d888430");
		ck_assert_secret(in, "64a55e56ed8d4db63a7ba096cdf0f3ddccd1a0a5677e2934b2584beefc641f5d");
	}
}
END_TEST

/* 220-5.2.1-2, 220-5.3.2-7: of context and challenge, and of the two hashes, only the pairs that mean each other agree. */
START_TEST(pairs)
{
	static const struct {
		bool gba;
		enum gba_u_hash hash;
		const char *autn;
		enum card_outcome want;
	} rows[] = {
		{ false, GBA_U_SHA1, AUTN, CARD_OK },
		{ false, GBA_U_SHA1, AUTN_SHA1, CARD_MAC_FAILURE },
		{ true, GBA_U_SHA1, AUTN, CARD_MAC_FAILURE },
		{ true, GBA_U_SHA1, AUTN_SHA1, CARD_OK },
		{ true, GBA_U_SHA1, AUTN_S256, CARD_MAC_FAILURE },
		{ true, GBA_U_SHA256, AUTN_SHA1, CARD_MAC_FAILURE },
		{ true, GBA_U_SHA256, AUTN_S256, CARD_OK },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim s = card_with(rows[i].hash), before = s;
		struct card_answer a;

		octets_of(autn, sizeof(autn), rows[i].autn);
		ck_assert_int_eq((rows[i].gba ? sim_gba : sim_3g)(&s, &a, rand_, autn), 0);
		ck_assert_msg(a.outcome == rows[i].want, "row %zu", i);
		if (a.outcome == CARD_OK)
			continue;
		ck_assert_mem_eq(&s, &before, sizeof(s));
		ck_assert_uint_eq(a.res.len, 0);
	}
}
END_TEST

/* A used number in GBA context: AUTS as in 3G context, and the Ks of before stays. */
START_TEST(gba_sync_failure)
{
	struct sim s = card_with(GBA_U_SHA1), used;
	struct card_answer a;
	uint64_t sqn;
	bool ok = false;

	octets_of(autn, sizeof(autn), AUTN_SHA1);
	ck_assert_int_eq(sim_gba(&s, &a, rand_, autn), 0);
	strcpy(s.gbabp.btid, "mine");
	used = s;
	ck_assert_int_eq(sim_gba(&s, &a, rand_, autn), 0);
	ck_assert_int_eq(a.outcome, CARD_SYNC_FAILURE);
	ck_assert_mem_eq(&s, &used, sizeof(s));
	ck_assert_int_eq(aka_auts_open(&sqn, &ok, &s.cred, rand_, a.auts), 0);
	ck_assert(ok && sqn == 0xff9bb4d0b607ull);
}
END_TEST

START_TEST(state)
{
	struct sim s = card_with(GBA_U_SHA1), back = card_with(GBA_U_SHA1);
	struct card_answer a;
	char text[SIM_STATE_MAX];
	struct writer w;
	const char *p = text;

	octets_of(autn, sizeof(autn), AUTN_SHA1);
	ck_assert_int_eq(sim_gba(&s, &a, rand_, autn), 0);
	strcpy(s.gbabp.btid, "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc015.mcc234.pub.3gppnetwork.org");
	strcpy(s.gbabp.lifetime, "2030-01-01T12:00:00Z");
	writer_init(&w, text, sizeof(text));
	sim_state_put(&w, &s);
	writer_str(&w, "other\n");
	ck_assert_int_gt(writer_end(&w), 0);
	back.sqn = (struct sqn_card){ 0 };
	ck_assert_int_eq(sim_state_get(&back, &p), 0);
	ck_assert_mem_eq(&back, &s, sizeof(s));
	ck_assert_str_eq(p, "other\n");
	/* the longest there is fits */
	memset(s.gbabp.btid, 'x', BTID_MAX);
	memset(s.gbabp.lifetime, 'x', CARD_LIFETIME_MAX);
	for (unsigned i = 0; i <= SQN_IND_MAX; i++)
		s.sqn.seq[i] = SQN_SEQ_MAX;
	writer_init(&w, text, sizeof(text));
	sim_state_put(&w, &s);
	ck_assert_int_gt(writer_end(&w), 0);
}
END_TEST

START_TEST(bad_state)
{
	static const char *const tails[] = {
		"ks 00\n", "ks " KS "\n", "rand " RAND "\n", "ks " KS "\nrand 00\n", "ks " KS "\nrand " RAND "\nbtid x",
	};
	char text[SIM_STATE_MAX];

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct sim s = { 0 };
		const char *p = text;

		text[0] = '\0';
		for (unsigned k = 0; k <= SQN_IND_MAX; k++)
			strcat(text, "0\n");
		strcat(text, tails[i]);
		ck_assert_msg(sim_state_get(&s, &p) == -EBADMSG, "tail %zu", i);
	}
}
END_TEST

SUITE("sim", context_3g, context_gsm, context_gba, pairs, gba_sync_failure, state, bad_state)
