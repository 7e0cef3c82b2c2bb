/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What a MAR is answered, as a table; the GUSS whole or not at all (220-4.4.5-5). Pure: no Diameter runs here. */
#include "hss-sim/zh_decide.h"
#include "tests/unit/suite.h"

#define T1  1767323045
#define T2  1767323046
#define XML "<guss>settings</guss>"

enum what_guss { LEFT_OUT, OWN_GUSS, EMPTY_GUSS };

static const struct {
	const char *name;
	/* the MAR */
	const char *scheme;
	bool resync;
	time_t timestamp; /* 0: not sent */
	struct result bad;
	/* the subscriber */
	bool unknown, unreadable, no_guss;
	enum auc_auts auts;
	time_t guss_timestamp; /* 0: GUSS without one */
	/* the answer */
	enum cause cause;
	uint32_t code;
	bool experimental, vector, set;
	enum what_guss guss;
} cases[] = {
	{ "vector and GUSS", ZH_SCHEME_AKAV1, .guss_timestamp = T1, .cause = CAUSE_hss_ok, .code = 2001, .vector = true,
	  .guss = OWN_GUSS },
	{ "no scheme asked for", "", .guss_timestamp = T1, .cause = CAUSE_hss_ok, .code = 2001, .vector = true,
	  .guss = OWN_GUSS },
	{ "no GUSS and no timestamp: left out", ZH_SCHEME_AKAV1, .no_guss = true, .cause = CAUSE_hss_ok, .code = 2001,
	  .vector = true, .guss = LEFT_OUT },
	/* 220-4.4.5-7, 220-4.5.2-1: equal timestamp, and only then, leaves AVP 400 out (29.109 4.2) */
	{ "equal timestamp", ZH_SCHEME_AKAV1, .timestamp = T1, .guss_timestamp = T1, .cause = CAUSE_hss_ok,
	  .code = 2001, .vector = true, .guss = LEFT_OUT },
	{ "older timestamp", ZH_SCHEME_AKAV1, .timestamp = T1, .guss_timestamp = T2, .cause = CAUSE_hss_ok,
	  .code = 2001, .vector = true, .guss = OWN_GUSS },
	{ "newer timestamp", ZH_SCHEME_AKAV1, .timestamp = T2, .guss_timestamp = T1, .cause = CAUSE_hss_ok,
	  .code = 2001, .vector = true, .guss = OWN_GUSS },
	{ "nothing to compare with", ZH_SCHEME_AKAV1, .timestamp = T1, .cause = CAUSE_hss_ok, .code = 2001,
	  .vector = true, .guss = OWN_GUSS },
	{ "timestamp but no GUSS any more: an empty one", ZH_SCHEME_AKAV1, .timestamp = T1, .no_guss = true,
	  .cause = CAUSE_hss_ok, .code = 2001, .vector = true, .guss = EMPTY_GUSS },
	/* 220-4.4.2-1 */
	{ "unknown user", ZH_SCHEME_AKAV1, .unknown = true, .cause = CAUSE_hss_user_unknown, .code = 5401,
	  .experimental = true },
	{ "unknown user comes before a foreign scheme", "SIP Digest", .unknown = true, .cause = CAUSE_hss_user_unknown,
	  .code = 5401, .experimental = true },
	{ "foreign scheme", "SIP Digest", .cause = CAUSE_hss_scheme, .code = 5012 },
	{ "almost our scheme", "Digest-AKAv1-MD5 ", .cause = CAUSE_hss_scheme, .code = 5012 },
	{ "keys not readable", ZH_SCHEME_AKAV1, .unreadable = true, .cause = CAUSE_hss_failed, .code = 5012 },
	/* 102-6.3.5-3, -4, -5 */
	{ "AUTS right", ZH_SCHEME_AKAV1, .resync = true, .auts = AUC_AUTS_SET, .cause = CAUSE_hss_resync, .code = 2001,
	  .vector = true, .set = true, .guss = OWN_GUSS },
	{ "AUTS not needed", ZH_SCHEME_AKAV1, .resync = true, .auts = AUC_AUTS_KEEP, .cause = CAUSE_hss_ok,
	  .code = 2001, .vector = true, .guss = OWN_GUSS },
	{ "AUTS forged", ZH_SCHEME_AKAV1, .resync = true, .auts = AUC_AUTS_REFUSED, .cause = CAUSE_hss_auts_refused,
	  .code = 5012 },
	{ "AUTS not computable", ZH_SCHEME_AKAV1, .resync = true, .auts = AUC_AUTS_FAILED, .cause = CAUSE_hss_failed,
	  .code = 5012 },
	{ "AUTS with a foreign scheme", "SIP Digest", .resync = true, .auts = AUC_AUTS_SET, .cause = CAUSE_hss_scheme,
	  .code = 5012 },
	/* what the decoder objected to */
	{ "no User-Name", "", .bad = { .code = 5005, .failed_avp = 1 }, .cause = CAUSE_hss_missing_avp, .code = 5005 },
	{ "SIP-Authorization too short", "", .bad = { .code = 5004, .failed_avp = 610, .failed_vendor = 10415 },
	  .cause = CAUSE_hss_auts_length, .code = 5004 },
	{ "User-Name not usable", "", .bad = { .code = 5004, .failed_avp = 1 }, .cause = CAUSE_hss_bad_avp,
	  .code = 5004 },
	{ "second User-Name", "", .bad = { .code = 5009, .failed_avp = 1 }, .cause = CAUSE_hss_bad_avp, .code = 5009 },
};

static struct span want_guss(enum what_guss g)
{
	return g == LEFT_OUT ? span_of(NULL, 0) : g == OWN_GUSS ? span_str(XML) : span_str(zh_guss_empty);
}

START_TEST(table)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct zh_mar mar = { .has_resync = cases[i].resync };
		struct zh_facts f = { .known = !cases[i].unknown,
				      .readable = !cases[i].unreadable,
				      .auts = cases[i].auts };
		struct zh_decision d;

		strcpy(mar.scheme, cases[i].scheme);
		mar.has_guss_timestamp = cases[i].timestamp != 0;
		mar.guss_timestamp = cases[i].timestamp;
		f.guss = cases[i].no_guss ? span_of(NULL, 0) : span_str(XML);
		f.has_guss_timestamp = cases[i].guss_timestamp != 0;
		f.guss_timestamp = cases[i].guss_timestamp;
		memset(&d, 0xff, sizeof(d));
		zh_decide(&d, &mar, &cases[i].bad, &f);
		ck_assert_msg(d.cause == cases[i].cause, "%s: %s", cases[i].name, cause_name(d.cause));
		ck_assert_msg(d.result.code == cases[i].code, "%s: %u", cases[i].name, d.result.code);
		ck_assert_msg(d.result.experimental == cases[i].experimental, "%s", cases[i].name);
		ck_assert_msg(!d.result.experimental || d.result.vendor == RESULT_VENDOR_3GPP, "%s", cases[i].name);
		ck_assert_msg(d.result.failed_avp == cases[i].bad.failed_avp, "%s", cases[i].name);
		ck_assert_msg(d.vector == cases[i].vector && d.resync == cases[i].set, "%s", cases[i].name);
		ck_assert_msg(span_eq(d.guss, want_guss(cases[i].guss)), "%s: GUSS", cases[i].name);
	}
}
END_TEST

/* the instant 0 is one like others: a GUSS without a timestamp does not have it */
START_TEST(instant_zero)
{
	static const struct result fine = { 0 };
	struct zh_mar mar = { .scheme = ZH_SCHEME_AKAV1, .has_guss_timestamp = true };
	struct zh_facts f = { .known = true, .readable = true, .guss = span_str(XML) };
	struct zh_decision d;

	zh_decide(&d, &mar, &fine, &f);
	ck_assert(span_eq(d.guss, span_str(XML)));
	f.has_guss_timestamp = true;
	zh_decide(&d, &mar, &fine, &f);
	ck_assert_uint_eq(d.guss.len, 0);
}
END_TEST

SUITE("zh_decide", table, instant_zero)
