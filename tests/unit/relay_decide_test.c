/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* May a BIR go on? Each fact that does not hold, alone and together with all that are looked at behind it. */
#include "tests/unit/suite.h"
#include "znproxy/relay_decide.h"

static const struct relay_facts good = { .own_origin = true,
					 .speaks_for = true,
					 .ua_id = true,
					 .gsids = true,
					 .btid = true,
					 .home = true,
					 .connected = true,
					 .covered = true };

/* Who, for what name and service, whose subscriber, over which connection. */
static const struct {
	size_t fact;
	enum cause cause;
	uint32_t code;
	bool experimental;
} rows[] = {
#define FACT(name) offsetof(struct relay_facts, name)
	{ FACT(own_origin), CAUSE_znproxy_origin, 5402, true },
	{ FACT(speaks_for), CAUSE_znproxy_naf_id, 5402, true },
	{ FACT(ua_id), CAUSE_znproxy_naf_id, 5402, true },
	{ FACT(gsids), CAUSE_znproxy_gsid, 5402, true },
	{ FACT(btid), CAUSE_znproxy_btid, 5403, true },
	{ FACT(own_home), CAUSE_znproxy_own_home, 3003, false },
	{ FACT(home), CAUSE_znproxy_home_unknown, 3003, false },
	{ FACT(to_us), CAUSE_znproxy_host, 3002, false },
	{ FACT(connected), CAUSE_znproxy_home_lost, 3002, false },
	{ FACT(covered), CAUSE_znproxy_certificate, 5402, true },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void spoil(struct relay_facts *f, size_t row)
{
	bool *fact = (bool *)((char *)f + rows[row].fact);

	*fact = !*fact;
}

static void refused(const struct relay_facts *f, size_t row)
{
	struct result r;

	ck_assert_int_eq(relay_decide(&r, f), rows[row].cause);
	ck_assert_uint_eq(r.code, rows[row].code);
	ck_assert_int_eq(r.experimental, rows[row].experimental);
	ck_assert_uint_eq(r.vendor, rows[row].experimental ? RESULT_VENDOR_3GPP : 0);
}

/* 220-4.2.2a-4, 220-4.2.2a-5, 220-4.2.2a-6 */
START_TEST(each_fact_alone)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct relay_facts f = good;

		spoil(&f, i);
		refused(&f, i);
	}
}
END_TEST

/* Nobody learns of a home from what stands behind a check that he does not pass. */
START_TEST(each_fact_before_those_behind)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct relay_facts f = good;

		for (size_t k = i; k < ROWS; k++)
			spoil(&f, k);
		refused(&f, i);
	}
}
END_TEST

START_TEST(all_hold)
{
	struct result r = { .code = 1 };

	ck_assert_int_eq(relay_decide(&r, &good), CAUSE_znproxy_ok);
	ck_assert_uint_eq(r.code, 0);
}
END_TEST

SUITE("relay_decide", each_fact_alone, each_fact_before_those_behind, all_hold)
