/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a NAF is answered: one table of questions, each a change to one that is answered with the key. */
#include <errno.h>
#include "bsf/zn/decide.h"
#include "common/base/hex.h"
#include "common/gba/guss.h"
#include "tests/unit/suite.h"

/* tests/vectors/gba-vectors.json, group gba, V1 */
#define KS         "b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441"
#define RAND       "23553cbe9637a89d218ae64dae47bf35"
#define IMPI       "234150999999999@ims.mnc015.mcc234.3gppnetwork.org"
#define BSF_NAME   "bsf.mnc015.mcc234.pub.3gppnetwork.org"
#define KS_NAF     "f8cf543ce60250e3da34fd1cb463ad17dffb7f6bdd021f82cb944b439d888430"
#define KS_INT_NAF "64a55e56ed8d4db63a7ba096cdf0f3ddccd1a0a5677e2934b2584beefc641f5d"

#define NOW 1700000000

static const char guss_xml[] =
	"<guss id=\"" IMPI "\" xmlns=\"urn:3gpp:gba:GBAGUSSSchema-R9:2010-02\"><ussList>"
	"<uss id=\"1\" type=\"1\" nafGroup=\"A\"><uids><uid>one-in-A</uid></uids><flags><flag>1</flag></flags></uss>"
	"<uss id=\"1\" type=\"1\" nafGroup=\"B\"><uids><uid>one-in-B</uid></uids><flags/></uss>"
	"<uss id=\"2\" type=\"2\"><uids><uid>two</uid></uids><flags/></uss>"
	"<uss id=\"4\" type=\"4\" nafGroup=\"B\"><uids><uid>four-in-B</uid></uids><flags/></uss>"
	"</ussList></guss>";

/* One question: what is asked, of whom, about what. */
struct question {
	struct zn_bir bir;
	struct naf_policy naf;
	struct gba_session session;
	struct zn_ask ask;
};

static char *speaks_for[] = { "naf1.example.com", "*.apps.example.com" };
static char *gsids[] = { "1", "2", "3", "4" };
static char *required[2];
static char *groups[1];

static void gsid(struct question *q, const char *id)
{
	strcpy(q->bir.gsids[q->bir.n_gsids++], id);
}

static void question_make(struct question *q)
{
	memset(q, 0, sizeof(*q));
	strcpy(q->bir.peer, "naf1.example.com");
	strcpy(q->bir.origin_host, "naf1.example.com");
	ck_assert_int_eq(naf_id_make(&q->bir.naf_id, "naf1.example.com", UA_ID_HTTP_DIGEST), 0);
	q->bir.btid_ok = true;
	q->naf.identity = "naf1.example.com";
	q->naf.speaks_for = (struct names){ speaks_for, 2 };
	q->naf.groups = (struct names){ groups, 1 };
	groups[0] = "A";
	q->naf.gsids = (struct names){ gsids, 4 };
	q->naf.required_gsids.s = required;
	hex_decode(q->session.rand, AKA_RAND_LEN, RAND, strlen(RAND));
	hex_decode(q->session.ks.b, 32, KS, strlen(KS));
	q->session.ks.len = 32;
	strcpy(q->session.impi.s, IMPI);
	strcpy(q->session.bsf_name, BSF_NAME);
	q->session.variant = GBA_VARIANT_ME;
	q->session.created_at = NOW - 100;
	q->session.expires_at = NOW + 3500;
	q->ask = (struct zn_ask){ .bir = &q->bir, .naf = &q->naf, .session = &q->session, .now_s = NOW };
}

static void ua(struct question *q, const char *hex)
{
	hex_decode(q->bir.naf_id.ua, UA_ID_LEN, hex, 10);
	memcpy(q->bir.naf_id.raw + q->bir.naf_id.len - UA_ID_LEN, q->bir.naf_id.ua, UA_ID_LEN);
}

static void fqdn(struct question *q, const char *name)
{
	uint8_t raw[NAF_ID_MAX];
	size_t len = strlen(name);

	memcpy(raw, name, len);
	memcpy(raw + len, UA_ID_HTTP_DIGEST, UA_ID_LEN);
	ck_assert_int_eq(naf_id_parse(&q->bir.naf_id, raw, len + UA_ID_LEN), 0);
}

static void guss(struct question *q)
{
	q->session.guss = guss_blob_new(span_str(guss_xml));
}

static void none(struct question *q)
{
}

static void btid_bad(struct question *q)
{
	q->bir.btid_ok = false;
	q->ask.store_rc = -EIO;
	q->ask.session = NULL;
}

static void btid_unknown(struct question *q)
{
	q->ask.store_rc = -ENOENT;
	q->ask.session = NULL;
}

static void btid_unknown_foreign(struct question *q)
{
	btid_unknown(q);
	q->ask.naf = NULL;
}

static void expired(struct question *q)
{
	q->session.expires_at = NOW;
}

static void last_second(struct question *q)
{
	q->session.expires_at = NOW + 1;
}

static void store_lost(struct question *q)
{
	q->ask.store_rc = -EIO;
	q->ask.session = NULL;
}

static void store_full(struct question *q)
{
	q->ask.store_rc = -ENOSPC;
	q->ask.session = NULL;
}

static void store_away(struct question *q)
{
	q->ask.store_rc = -ENOTCONN;
	q->ask.session = NULL;
}

static void no_lease(struct question *q)
{
	q->ask.store_rc = -ESTALE;
	q->ask.session = NULL;
}

static void revoked_for_it(struct question *q)
{
	q->ask.store_rc = -EKEYREVOKED;
}

static void origin_foreign(struct question *q)
{
	q->ask.naf = NULL;
}

static void liar(struct question *q)
{
	q->bir.liar = true;
	q->ask.naf = NULL;
}

static void unvouched(struct question *q)
{
	q->bir.unvouched = true;
}

static void unvouched_unknown(struct question *q)
{
	btid_unknown(q);
	unvouched(q);
}

static void liar_unknown(struct question *q)
{
	btid_unknown(q);
	liar(q);
}

static void origin_none(struct question *q)
{
	q->ask.naf = NULL;
}

static void peer_unknown(struct question *q)
{
	q->ask.naf = NULL;
}

static void fqdn_foreign(struct question *q)
{
	fqdn(q, "naf2.example.com");
}

static void fqdn_wildcard(struct question *q)
{
	fqdn(q, "Shop.apps.example.com");
}

static void fqdn_two_labels(struct question *q)
{
	fqdn(q, "a.shop.apps.example.com");
}

static void fqdn_quote(struct question *q)
{
	fqdn(q, "a\"b.apps.example.com");
}

static void fqdn_slash(struct question *q)
{
	fqdn(q, "a/b.apps.example.com");
}

static void fqdn_utf8(struct question *q)
{
	fqdn(q, "caf\xc3\xa9.apps.example.com");
}

static void fqdn_star(struct question *q)
{
	fqdn(q, "*.apps.example.com");
}

static void fqdn_long_label(struct question *q)
{
	fqdn(q, "a123456789012345678901234567890123456789012345678901234567890123.apps.example.com");
}

static void expired_fqdn_foreign(struct question *q)
{
	expired(q);
	fqdn_foreign(q);
}

static void btid_bad_fqdn_foreign(struct question *q)
{
	btid_bad(q);
	fqdn_foreign(q);
}

static void store_lost_fqdn_foreign(struct question *q)
{
	store_lost(q);
	fqdn_foreign(q);
}

static void btid_unknown_origin_foreign(struct question *q)
{
	btid_unknown(q);
	origin_foreign(q);
}

static void ua_invalid(struct question *q)
{
	ua(q, "0000000001");
}

static void ua_zero(struct question *q)
{
	ua(q, "0000000000");
}

static void ua_tmpi(struct question *q)
{
	ua(q, "0100000100");
}

static void btid_unknown_ua_tmpi(struct question *q)
{
	btid_unknown(q);
	ua_tmpi(q);
}

static void ua_tls(struct question *q)
{
	ua(q, "010001c02b");
}

static void ua_unknown(struct question *q)
{
	ua(q, "0100000007");
}

static void variant_2g(struct question *q)
{
	q->session.variant = GBA_VARIANT_2G;
}

static void variant_digest(struct question *q)
{
	q->session.variant = GBA_VARIANT_DIGEST;
}

static char *ua_ids[] = { "0100000001", "010001*" };

static void uas(struct question *q)
{
	q->naf.ua_protocols = (struct names){ ua_ids, 2 };
}

static void uas_tls(struct question *q)
{
	uas(q);
	ua(q, "010001c02f");
}

static void uas_of_others(struct question *q)
{
	uas(q);
	btid_unknown(q);
}

static void variants_2g(struct question *q)
{
	variant_2g(q);
	q->naf.variants = 1u << GBA_VARIANT_2G;
}

static void variants_u(struct question *q)
{
	q->naf.variants = 1u << GBA_VARIANT_U;
}

static void keys_refused(struct question *q)
{
	btid_unknown(q);
	q->naf.keys = NAF_KEYS_REFUSED;
}

static void keys_uicc(struct question *q)
{
	q->naf.keys = NAF_KEYS_UICC;
}

static void age_reached(struct question *q)
{
	q->naf.key_age_max_s = 100;
}

static void age_over(struct question *q)
{
	q->naf.key_age_max_s = 99;
}

static void uses_left(struct question *q)
{
	q->naf.key_uses_max = 3;
	q->ask.uses = 3;
}

static void uses_over(struct question *q)
{
	q->naf.key_uses_max = 3;
	q->ask.uses = 4;
}

static void name_twice(struct question *q)
{
	btid_unknown(q);
	q->ask.twice = true;
}

static void foreign_twice(struct question *q)
{
	fqdn(q, "naf7.example.com");
	q->ask.twice = true;
}

static void file_bad(struct question *q)
{
	q->naf.refused = "its file is bad";
}

static void required_without_guss(struct question *q)
{
	required[0] = "2";
	q->naf.required_gsids.n = 1;
}

static void required_there(struct question *q)
{
	required_without_guss(q);
	guss(q);
}

static void required_missing(struct question *q)
{
	required[0] = "2";
	required[1] = "3";
	q->naf.required_gsids.n = 2;
	guss(q);
}

static void required_other_group(struct question *q)
{
	required[0] = "4";
	q->naf.required_gsids.n = 1;
	guss(q);
}

static void asked_without_guss(struct question *q)
{
	gsid(q, "1");
}

static void guss_damaged(struct question *q)
{
	q->session.guss = guss_blob_new(span_str("<guss"));
	gsid(q, "1");
}

static void guss_damaged_not_asked(struct question *q)
{
	q->session.guss = guss_blob_new(span_str("<guss"));
	gsid(q, "77");
}

static void not_utf8(struct question *q)
{
	strcpy(q->session.impi.s, "\xff@example.org");
}

static const struct {
	const char *what;
	void (*change)(struct question *q);
	enum cause cause;
	uint32_t code;
} rows[] = {
	{ "nothing changed", none, CAUSE_zn_ok, 2001 },
	{ "220-4.5.3-13: no B-TID at all", btid_bad, CAUSE_zn_btid_unknown, 5403 },
	{ "220-4.2.1-1: unknown", btid_unknown, CAUSE_zn_btid_unknown, 5403 },
	{ "foreign NAF name: not authorized whether the B-TID lives or not", btid_unknown_foreign, CAUSE_zn_naf_unknown,
	  5402 },
	{ "the same with one that is over", expired_fqdn_foreign, CAUSE_zn_name_denied, 5402 },
	{ "the same with no B-TID", btid_bad_fqdn_foreign, CAUSE_zn_name_denied, 5402 },
	{ "the same with a store that is lost", store_lost_fqdn_foreign, CAUSE_zn_name_denied, 5402 },
	{ "foreign Origin-Host, unknown B-TID", btid_unknown_origin_foreign, CAUSE_zn_naf_unknown, 5402 },
	{ "reserved Ua identifier, unknown B-TID", btid_unknown_ua_tmpi, CAUSE_zn_ua_invalid, 5402 },
	{ "220-4.5.2-29: expired", expired, CAUSE_zn_btid_unknown, 5403 },
	{ "its last second", last_second, CAUSE_zn_ok, 2001 },
	{ "store lost", store_lost, CAUSE_store_failed, 5012 },
	{ "any other error of the store", store_full, CAUSE_store_failed, 5012 },
	{ "a store that is away", store_away, CAUSE_store_away, 5012 },
	{ "no lease", no_lease, CAUSE_store_lease, 5012 },
	{ "revoked for this application", revoked_for_it, CAUSE_zn_key_old, 5403 },
	{ "foreign Origin-Host", origin_foreign, CAUSE_zn_naf_unknown, 5402 },
	{ "another's Origin-Host", liar, CAUSE_zn_origin, 5402 },
	{ "another's Origin-Host, unknown B-TID", liar_unknown, CAUSE_zn_origin, 5402 },
	{ "its Zn-Proxy does not vouch for the name", unvouched, CAUSE_zn_not_vouched, 5402 },
	{ "nor for one with an unknown B-TID", unvouched_unknown, CAUSE_zn_not_vouched, 5402 },
	{ "no Origin-Host", origin_none, CAUSE_zn_naf_unknown, 5402 },
	{ "peer no longer configured", peer_unknown, CAUSE_zn_naf_unknown, 5402 },
	{ "220-4.4.6-10: foreign FQDN", fqdn_foreign, CAUSE_zn_name_denied, 5402 },
	{ "FQDN under a wildcard", fqdn_wildcard, CAUSE_zn_ok, 2001 },
	{ "under a wildcard, but no DNS name: a quote", fqdn_quote, CAUSE_zn_name_denied, 5402 },
	{ "under a wildcard, but no DNS name: a slash", fqdn_slash, CAUSE_zn_name_denied, 5402 },
	{ "under a wildcard, but no DNS name: UTF-8", fqdn_utf8, CAUSE_zn_name_denied, 5402 },
	{ "under a wildcard, but no DNS name: a star", fqdn_star, CAUSE_zn_name_denied, 5402 },
	{ "under a wildcard, but no DNS name: a label over 63", fqdn_long_label, CAUSE_zn_name_denied, 5402 },
	{ "two labels under a wildcard", fqdn_two_labels, CAUSE_zn_name_denied, 5402 },
	{ "220-H.2-1: 00 and not all zero", ua_invalid, CAUSE_zn_ua_invalid, 5402 },
	{ "220-H.2-1: all zero", ua_zero, CAUSE_zn_ok, 2001 },
	{ "220-H.3-9: TMPI derivation", ua_tmpi, CAUSE_zn_ua_invalid, 5402 },
	{ "220-H.3-1: TLS", ua_tls, CAUSE_zn_ok, 2001 },
	{ "220-H.3-1: not in the table", ua_unknown, CAUSE_zn_ok, 2001 },
	{ "policy: a Ua protocol that is not among its own", uas, CAUSE_zn_ua_denied, 5402 },
	{ "policy: the same, B-TID unknown", uas_of_others, CAUSE_zn_ua_denied, 5402 },
	{ "policy: a Ua protocol by its first octets", uas_tls, CAUSE_zn_ok, 2001 },
	{ "policy: a variant that is not among its own", variants_u, CAUSE_zn_variant_denied, 5402 },
	{ "policy: 2G is among its variants", variants_2g, CAUSE_zn_ok, 2001 },
	{ "policy: no keys, whatever the B-TID", keys_refused, CAUSE_zn_keys_denied, 5402 },
	{ "policy: the card's key only, and there is none", keys_uicc, CAUSE_zn_keys_denied, 5402 },
	{ "policy: as old as a key may be", age_reached, CAUSE_zn_ok, 2001 },
	{ "policy: a key once more", uses_left, CAUSE_zn_ok, 2001 },
	{ "policy: a key too often", uses_over, CAUSE_zn_key_used, 5403 },
	{ "policy: older than a key may be", age_over, CAUSE_zn_key_old, 5403 },
	{ "policy: what is written of it cannot be used", file_bad, CAUSE_zn_policy_bad, 5402 },
	{ "policy: a name that another claims, too", name_twice, CAUSE_zn_name_twice, 5402 },
	{ "policy: the same, but a name that is not its own at all", foreign_twice, CAUSE_zn_name_denied, 5402 },
	{ "2G", variant_2g, CAUSE_zn_variant_denied, 5402 },
	{ "Digest", variant_digest, CAUSE_zn_variant_denied, 5402 },
	{ "220-4.4.6-17: USS required, no GUSS", required_without_guss, CAUSE_zn_uss_missing, 5402 },
	{ "USS required and there, not asked for", required_there, CAUSE_zn_ok, 2001 },
	{ "one of two required is missing", required_missing, CAUSE_zn_uss_missing, 5402 },
	{ "required one is of another group", required_other_group, CAUSE_zn_uss_missing, 5402 },
	{ "220-4.4.6-18: asked for and no GUSS: no error", asked_without_guss, CAUSE_zn_ok, 2001 },
	{ "GUSS damaged", guss_damaged, CAUSE_store_failed, 5012 },
	{ "GUSS is not parsed unless needed", guss_damaged_not_asked, CAUSE_zn_ok, 2001 },
	{ "key that cannot be derived", not_utf8, CAUSE_store_failed, 5012 },
};

static void empty_handed(const struct zn_bia *bia)
{
	ck_assert_uint_eq(bia->me_key.len, 0);
	ck_assert_uint_eq(bia->uicc_key.len, 0);
	ck_assert(!bia->has_times);
	ck_assert_uint_eq(bia->impi.s[0], 0);
	ck_assert_ptr_null(bia->uss_list);
}

START_TEST(answers)
{
	struct question q;
	struct zn_bia bia;
	bool experimental = rows[_i].code == 5402 || rows[_i].code == 5403;

	question_make(&q);
	q.naf.private_identity = true;
	rows[_i].change(&q);
	memset(&bia, 0xff, sizeof(bia));
	ck_assert_msg(zn_decide(&bia, &q.ask) == rows[_i].cause, "%s", rows[_i].what);
	ck_assert_msg(bia.result.code == rows[_i].code, "%s: %u", rows[_i].what, bia.result.code);
	ck_assert_int_eq(bia.result.experimental, experimental);
	ck_assert_uint_eq(bia.result.vendor, experimental ? RESULT_VENDOR_3GPP : 0);
	ck_assert_uint_eq(bia.result.failed_avp, 0);
	if (rows[_i].cause != CAUSE_zn_ok)
		empty_handed(&bia);
	else
		ck_assert_uint_eq(bia.me_key.len, 32);
	zn_bia_clear(&bia);
	gba_session_clear(&q.session);
}
END_TEST

static void key_is(const struct secret *key, const char *hex)
{
	uint8_t want[32];

	hex_decode(want, sizeof(want), hex, strlen(hex));
	ck_assert_uint_eq(key->len, 32);
	ck_assert_mem_eq(key->b, want, 32);
}

/* 220-4.5.2-24, 220-4.4.6-11, -19, -20, 220-4.2.1-3: the key of the vector and of no other NAF, the times of the
 * session; 220-4.4.6-14: the IMPI for who may have it */
START_TEST(key_and_times)
{
	struct question q;
	struct zn_bia bia, other;

	question_make(&q);
	ck_assert_int_eq(zn_decide(&bia, &q.ask), CAUSE_zn_ok);
	key_is(&bia.me_key, KS_NAF);
	ck_assert_uint_eq(bia.uicc_key.len, 0);
	ck_assert(bia.has_times);
	ck_assert_int_eq(bia.expires_at, NOW + 3500);
	ck_assert_int_eq(bia.created_at, NOW - 100);
	ck_assert_int_eq(bia.gba_type, ZN_GBA_3G);
	ck_assert_msg(bia.impi.s[0] == 0, "IMPI for a NAF that may not learn it");
	ck_assert_ptr_null(bia.uss_list);
	fqdn(&q, "shop.apps.example.com");
	ck_assert_int_eq(zn_decide(&other, &q.ask), CAUSE_zn_ok);
	ck_assert(!secret_equal(&other.me_key, &bia.me_key));
	zn_bia_clear(&other);
	question_make(&q);
	ua(&q, "0100000003"); /* 220-4.4-4: only the Ua protocol differs */
	ck_assert_int_eq(zn_decide(&other, &q.ask), CAUSE_zn_ok);
	ck_assert(!secret_equal(&other.me_key, &bia.me_key));
	q.naf.private_identity = true;
	zn_bia_clear(&other);
	ck_assert_int_eq(zn_decide(&other, &q.ask), CAUSE_zn_ok);
	ck_assert_str_eq(other.impi.s, IMPI);
	zn_bia_clear(&other);
	q.naf.anonymous = true; /* whatever else is written */
	ck_assert_int_eq(zn_decide(&other, &q.ask), CAUSE_zn_ok);
	ck_assert_uint_eq(other.impi.s[0], 0);
	zn_bia_clear(&other);
	zn_bia_clear(&bia);
}
END_TEST

/* 220-5.3.3-10: GBA_U: Ks_ext_NAF always, Ks_int_NAF for a NAF that knows GBA_U */
START_TEST(gba_u)
{
	struct question q;
	struct zn_bia bia;

	question_make(&q);
	q.bir.gba_u_aware = true;
	ck_assert_int_eq(zn_decide(&bia, &q.ask), CAUSE_zn_ok);
	ck_assert_uint_eq(bia.uicc_key.len, 0);
	zn_bia_clear(&bia);
	q.session.variant = GBA_VARIANT_U;
	ck_assert_int_eq(zn_decide(&bia, &q.ask), CAUSE_zn_ok);
	key_is(&bia.me_key, KS_NAF);
	key_is(&bia.uicc_key, KS_INT_NAF);
	zn_bia_clear(&bia);
	q.naf.keys = NAF_KEYS_UICC; /* policy: one of the two */
	ck_assert_int_eq(zn_decide(&bia, &q.ask), CAUSE_zn_ok);
	key_is(&bia.uicc_key, KS_INT_NAF);
	ck_assert_uint_eq(bia.me_key.len, 0);
	zn_bia_clear(&bia);
	q.naf.keys = NAF_KEYS_ME;
	ck_assert_int_eq(zn_decide(&bia, &q.ask), CAUSE_zn_ok);
	key_is(&bia.me_key, KS_NAF);
	ck_assert_uint_eq(bia.uicc_key.len, 0);
	zn_bia_clear(&bia);
	q.naf.keys = NAF_KEYS_BOTH;
	q.bir.gba_u_aware = false;
	ck_assert_int_eq(zn_decide(&bia, &q.ask), CAUSE_zn_ok);
	ck_assert_uint_eq(bia.uicc_key.len, 0);
	zn_bia_clear(&bia);
}
END_TEST

static const struct {
	const char *asked[4];
	const char *group;
	size_t n_allowed;
	const char *uids[3]; /* what must come, in this order */
} uss_rows[] = {
	{ { NULL }, "A", 4, { NULL } },
	{ { "1" }, "A", 4, { "one-in-A" } },
	{ { "1" }, "B", 4, { "one-in-B" } },
	{ { "1" }, NULL, 4, { NULL } },
	{ { "2" }, NULL, 4, { "two" } },
	{ { "2", "1" }, "A", 4, { "two", "one-in-A" } },
	{ { "1", "1", "2" }, "A", 4, { "one-in-A", "two" } },
	{ { "4" }, "A", 4, { NULL } },
	{ { "4", "2" }, "B", 4, { "four-in-B", "two" } },
	{ { "2", "1" }, "A", 1, { "one-in-A" } },
	{ { "1" }, "A", 0, { NULL } },
	{ { "9", "3", "" }, "A", 4, { NULL } },
};

/* 220-4.2.1-7, 220-4.4.6-8, 220-4.4.6-15, 220-4.4.6-16, 220-4.4.6-22: asked for, found, of this NAF's group, allowed; and the
 * group is taken out */
START_TEST(uss_chosen)
{
	struct guss *got = NULL;
	struct question q;
	struct zn_bia bia;
	size_t n = 0;

	question_make(&q);
	guss(&q);
	groups[0] = (char *)uss_rows[_i].group;
	q.naf.groups.n = groups[0] != NULL;
	q.naf.gsids.n = uss_rows[_i].n_allowed;
	for (size_t i = 0; i < 4 && uss_rows[_i].asked[i]; i++)
		gsid(&q, uss_rows[_i].asked[i]);
	ck_assert_int_eq(zn_decide(&bia, &q.ask), CAUSE_zn_ok);
	key_is(&bia.me_key, KS_NAF);
	while (n < 3 && uss_rows[_i].uids[n])
		n++;
	ck_assert_int_eq(n > 0, bia.uss_list != NULL);
	if (n) {
		ck_assert_ptr_null(strstr(bia.uss_list, "nafGroup"));
		ck_assert_int_eq(guss_parse(&got, (uint8_t *)bia.uss_list, bia.uss_list_len, NULL), 0);
		ck_assert_uint_eq(got->n_uss, n);
	}
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(got->uss[i].uids[0], uss_rows[_i].uids[i]);
	guss_free(got);
	zn_bia_clear(&bia);
	gba_session_clear(&q.session);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("29.109 5.2");

	tcase_add_loop_test(tc, answers, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, key_and_times);
	tcase_add_test(tc, gba_u);
	tcase_add_loop_test(tc, uss_chosen, 0, sizeof(uss_rows) / sizeof(uss_rows[0]));
	return suite_run_cases("zn_decide", &tc, 1);
}
