/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is read of a GUSS, and that what is remembered is the same. */
#include <errno.h>
#include <stdio.h>
#include <talloc.h>
#include "bsf/vectors/guss_facts.h"
#include "tests/unit/suite.h"

static const struct {
	const char *xml;
	int rc;
	struct guss_facts facts;
} rows[] = {
	{ "", 0, { false, 0, false, GBA_U_SHA1 } },
	{ "<guss><bsfInfo><uiccType>GBA</uiccType><lifeTime>60</lifeTime></bsfInfo></guss>",
	  0,
	  { true, 60, false, GBA_U_SHA1 } },
	{ "<guss><bsfInfo><uiccType>GBA_U</uiccType></bsfInfo></guss>", 0, { false, 0, true, GBA_U_SHA1 } },
	{ "<guss><bsfInfo><uiccType>GBA_U</uiccType><Extension><macStar>SHA-256</macStar></Extension></bsfInfo></guss>",
	  0,
	  { false, 0, true, GBA_U_SHA256 } },
	{ "<guss><bsfInfo><uiccType>GBA_U</uiccType><Extension><macStar>SHA-1</macStar><other>SHA-256</other></Extension>"
	  "</bsfInfo></guss>",
	  0,
	  { false, 0, true, GBA_U_SHA1 } },
	{ "<guss><bsfInfo><uiccType>GBA_U</uiccType><Extension><macStar>sha256</macStar></Extension></bsfInfo></guss>",
	  -EBADMSG,
	  { 0 } },
	{ "<guss><bsfInfo><lifeTime>90000000000</lifeTime></bsfInfo></guss>",
	  0,
	  { true, 90000000000, false, GBA_U_SHA1 } },
	{ "<guss><bsfInfo><lifeTime>-5</lifeTime></bsfInfo></guss>", 0, { true, -5, false, GBA_U_SHA1 } },
	{ "<guss><bsfInfo>", -EBADMSG, { 0 } },
	{ "<other/>", -EBADMSG, { 0 } },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void check(size_t i, int rc, const struct guss_facts *f)
{
	const struct guss_facts *want = &rows[i].facts;

	ck_assert_msg(rc == rows[i].rc, "row %zu: %d", i, rc);
	if (rc == 0)
		ck_assert_msg(f->has_life_time == want->has_life_time && f->life_time_s == want->life_time_s &&
				      f->gba_u == want->gba_u && f->mac_star == want->mac_star,
			      "row %zu", i);
}

START_TEST(read_rows)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		struct guss_facts f = { 0 };
		struct guss_blob *kept = NULL;
		struct guss_told told;

		check(i, guss_facts_read(&f, &kept, &told, span_str(rows[i].xml), GUSS_BAD_USS_FAILS), &f);
		guss_blob_put(kept);
	}
}
END_TEST

#define STAMP "<Extension><timestamp>2026-01-02T03:04:05Z</timestamp></Extension>"

/* 220-4.4.5-6: what is kept says the same facts later, of what has a timestamp: else nobody can be asked whether it has changed. */
START_TEST(kept_rows)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		const char *end = strstr(rows[i].xml, "</guss>");
		struct guss_facts f = { 0 };
		struct guss_blob *kept = NULL;
		struct guss_told told;
		char xml[512];
		int64_t when;

		if (rows[i].rc || !end)
			continue;
		for (int stamped = 0; stamped < 2; stamped++) {
			snprintf(xml, sizeof(xml), "%.*s%s</guss>", (int)(end - rows[i].xml), rows[i].xml,
				 stamped ? STAMP : "");
			ck_assert_int_eq(guss_facts_read(&f, &kept, &told, span_str(xml), GUSS_BAD_USS_FAILS), 0);
			memset(&f, 0, sizeof(f));
			ck_assert_int_eq(guss_facts_kept(&f, &when, guss_blob_span(kept)), stamped);
			check(i, 0, &f);
			ck_assert(!stamped || when == 1767323045);
			guss_blob_put(kept);
		}
	}
}
END_TEST

/* Nothing, XML of an older release, one of which a uss was left out: that has to be said each time */
START_TEST(kept_without_facts)
{
	static const char bad[] = "<guss>" STAMP "<ussList><uss/></ussList></guss>";
	struct guss_blob *kept = NULL;
	struct guss_facts f = { 0 };
	struct guss_told told;
	int64_t when;

	ck_assert(!guss_facts_kept(&f, &when, span_of(NULL, 0)));
	ck_assert(!guss_facts_kept(&f, &when, span_str("<guss")));
	ck_assert_int_eq(guss_facts_read(&f, &kept, &told, span_str(bad), GUSS_BAD_USS_LEFT_OUT), 0);
	ck_assert(!guss_facts_kept(&f, &when, guss_blob_span(kept)));
	guss_blob_put(kept);
}
END_TEST

static int memo_read(struct guss_memo *m, struct guss_facts *f, const char *xml)
{
	struct guss_blob *kept = NULL;
	struct guss_told told;
	int rc = guss_memo_read(m, f, &kept, &told, span_str(xml), GUSS_BAD_USS_FAILS);
	struct guss_copy c;

	if (rc == 0) {
		ck_assert_int_eq(kept != NULL, xml[0] != 0);
		ck_assert_int_eq(guss_copy_open(&c, guss_blob_span(kept)), 0);
		ck_assert_ptr_null(c.made);
		guss_copy_close(&c);
	}
	guss_blob_put(kept);
	return rc;
}

START_TEST(memo)
{
	void *ctx = talloc_named_const(NULL, 0, "test");
	struct guss_memo *m = guss_memo_new(ctx);

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < N_ROWS; i++) {
			struct guss_facts f = { 0 };

			check(i, memo_read(m, &f, rows[i].xml), &f);
		}
	}
	ck_assert_uint_eq(guss_memo_hits(m), 2 * 6); /* six documents can be used; a bad one is read each time */
	talloc_free(ctx);
}
END_TEST

/* Documents that differ in one octet, more than there is room for: each has its own facts. */
START_TEST(many)
{
	void *ctx = talloc_named_const(NULL, 0, "test");
	struct guss_memo *m = guss_memo_new(ctx);

	for (int round = 0; round < 2; round++) {
		for (int i = 1; i <= 20000; i++) {
			struct guss_facts f;
			char xml[128];

			snprintf(xml, sizeof(xml), "<guss><bsfInfo><lifeTime>%05d</lifeTime></bsfInfo></guss>", i);
			ck_assert_int_eq(memo_read(m, &f, xml), 0);
			ck_assert_int_eq(f.life_time_s, i);
		}
	}
	talloc_free(ctx);
}
END_TEST

/* What somebody has to mend is told each time, and by the operator's choice the run fails. */
START_TEST(told_each_time)
{
	static const char bad[] =
		"<guss><bsfInfo><lifetime>60</lifetime></bsfInfo>\n<ussList><uss id='1' type='x'/><uss id='2'/>\n"
		"<uss type='1'/></ussList></guss>";
	void *ctx = talloc_named_const(NULL, 0, "test");
	struct guss_memo *m = guss_memo_new(ctx);
	struct guss_blob *kept;
	struct guss_told told;
	struct guss_facts f;

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(guss_memo_read(m, &f, &kept, &told, span_str(bad), GUSS_BAD_USS_FAILS), -EBADMSG);
		ck_assert_int_eq(guss_memo_read(m, &f, &kept, &told, span_str(bad), GUSS_BAD_USS_LEFT_OUT), 0);
		ck_assert_uint_eq(told.left_out, 2);
		ck_assert_str_eq(told.why.text, "uss id=\"1\": type is no number");
		ck_assert_str_eq(told.odd.text, "line 1: lifetime");
		guss_blob_put(kept);
	}
	ck_assert_uint_eq(guss_memo_hits(m), 0);
	talloc_free(ctx);
}
END_TEST

SUITE("guss_facts", read_rows, kept_rows, kept_without_facts, memo, many, told_each_time)
