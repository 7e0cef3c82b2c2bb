/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What becomes of a GUSS that comes in: a new timestamp for each change and only then, never decreasing; two changes in one second are told
 * apart, in milliseconds inside and by the next whole second on the wire. */
#include <errno.h>
#include <stdio.h>

#include "common/gba/zh_msg.h"
#include "hss-sim/guss_change.h"
#include "tests/unit/suite.h"

#define NOW      1767323045 /* 2026-01-02T03:04:05Z */
#define A        "<guss><Extension><other/></Extension><ussList/></guss>"
#define B        "<guss><ussList/></guss>"
#define AT(when) "<guss><Extension><timestamp>" when "</timestamp></Extension><ussList/></guss>"

static struct guss_kept kept;
static char *doc; /* of kept */
static struct err why;

static void begin(void)
{
	kept = (struct guss_kept){ 0 };
	doc = NULL;
}

static void end(void)
{
	free(doc);
}

/* \returns 1 changed; 0 the same */
static int put(const char *text, int64_t now_ms)
{
	struct guss_coming c = { 0 };
	struct guss_kept next;
	char *made;
	int rc;

	if (*text)
		ck_assert_msg(guss_change_read(&c, span_str(text), "a@b.example", now_ms / 1000, &why) == 0, "%s",
			      why.text);
	rc = guss_change(&next, &made, &kept, &c, now_ms);
	ck_assert_int_ge(rc, 0);
	if (rc == 0)
		return 0;
	free(doc);
	doc = made;
	kept = next;
	return 1;
}

START_TEST(in_one_second)
{
	time_t last = 0;
	int64_t last_ms = 0;

	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(put(i & 1 ? A : B, NOW * 1000ll + i / 2), 1);
		ck_assert_int_gt(kept.timestamp, last);
		ck_assert_int_gt(kept.changed_ms, last_ms);
		last = kept.timestamp;
		last_ms = kept.changed_ms;
		ck_assert_int_eq(put(i & 1 ? A : B, NOW * 1000ll + 999), 0);
		ck_assert(kept.timestamp == last && kept.changed_ms == last_ms);
	}
	ck_assert_int_eq(kept.timestamp, NOW + 19);
	ck_assert_int_eq(kept.changed_ms, NOW * 1000ll + 19);
}
END_TEST

START_TEST(clock_set_back)
{
	put(A, NOW * 1000ll);
	put(B, (NOW - 3600) * 1000ll);
	ck_assert_int_eq(kept.timestamp, NOW + 1);
	ck_assert_int_eq(kept.changed_ms, NOW * 1000ll + 1);
	put(A, (NOW + 60) * 1000ll + 5);
	ck_assert_int_eq(kept.timestamp, NOW + 60);
	ck_assert_int_eq(kept.changed_ms, (NOW + 60) * 1000ll + 5);
}
END_TEST

START_TEST(own_timestamp)
{
	put(AT("2026-01-02T03:00:00Z"), NOW * 1000ll);
	ck_assert_int_eq(kept.timestamp, NOW - 245);                        /* the first one may be old */
	ck_assert_int_eq(put(AT("2026-01-02T03:30:00Z"), NOW * 1000ll), 0); /* nothing else is another one */
	ck_assert_int_eq(put("<guss><Extension><timestamp>2026-01-02T02:00:00Z</timestamp></Extension><ussList>"
			     "</ussList><x/></guss>",
			     NOW * 1000ll),
			 1);
	ck_assert_int_eq(kept.timestamp, NOW);
}
END_TEST

/* Taken away is a change, too; what comes then is later than that. */
START_TEST(taken_away)
{
	ck_assert_int_eq(put("", NOW * 1000ll), 0);
	put(A, NOW * 1000ll);
	ck_assert_int_eq(put("", NOW * 1000ll), 1);
	ck_assert(kept.timestamp == NOW + 1 && !kept.xml.len);
	ck_assert_int_eq(put("", NOW * 1000ll), 0);
	put(A, NOW * 1000ll);
	ck_assert_int_eq(kept.timestamp, NOW + 2);
}
END_TEST

START_TEST(refused)
{
	static char big[ZH_GUSS_CARRIED + 1];
	struct guss_coming c;
	struct guss_kept next;
	char *made;

	ck_assert_int_eq(guss_change_read(&c, span_str(AT("2026-01-04T00:00:00Z")), "a@b.example", NOW, &why),
			 -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.text, "its timestamp lies in the future"));
	ck_assert_int_eq(
		guss_change_read(&c, span_str("<guss>\n<bsfInfo><lifeTime>0</lifeTime></bsfInfo><ussList/></guss>"),
				 "a@b.example", NOW, &why),
		-EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.text, "line 2: lifeTime"));
	memset(big, ' ', sizeof(big) - 1);
	memcpy(big, "<guss><ussList/>", 16);
	memcpy(big + sizeof(big) - 8, "</guss>", 7);
	ck_assert_int_eq(guss_change_read(&c, span_str(big), "a@b.example", NOW, &why), 0);
	ck_assert_int_eq(guss_change(&next, &made, &kept, &c, NOW * 1000ll), -E2BIG);
	ck_assert_ptr_null(made);
}
END_TEST

SUITE_WITH_FIXTURE("guss_change", begin, end, in_one_second, clock_set_back, own_timestamp, taken_away, refused)
