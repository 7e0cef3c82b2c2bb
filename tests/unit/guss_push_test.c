/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A GUSS that was pushed is remembered for runs that are under way: for how long, the newest of each subscriber, and not too many. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "bsf/store/guss_push.h"
#include "common/base/clock.h"
#include "tests/unit/suite.h"

#define IMPI "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"

/* \param[in] at second of its timestamp; -1: it has none */
static struct guss_blob *changed_at(int at)
{
	char xml[256], when[64] = "";

	if (at >= 0)
		snprintf(when, sizeof(when), "<timestamp>2026-01-01T00:00:%02dZ</timestamp>", at);
	snprintf(xml, sizeof(xml), "<guss><Extension>%s</Extension><ussList/></guss>", when);
	return guss_blob_new(span_str(xml));
}

static int second_of(const struct guss_blob *b)
{
	int64_t when = guss_push_when(guss_blob_span(b));

	return when == GUSS_NEVER ? -1 : (int)(when % 60);
}

/* What a run that brings one of this second has in the end. */
static int taken(struct guss_pushes *p, const char *impi, int at)
{
	struct guss_blob *b = changed_at(at);
	bool changed = guss_pushes_take(p, impi, &b);
	int is = second_of(b);

	ck_assert_int_eq(changed, is != at);
	guss_blob_put(b);
	return is;
}

/* Of two pushes the newer one stays, whichever came first; what is equally old, or newer, is not replaced */
START_TEST(newest_stays)
{
	struct guss_pushes *p = guss_pushes_new();
	struct guss_blob *none = NULL;

	ck_assert_int_eq(taken(p, IMPI, 1), 1);
	ck_assert_int_eq(guss_pushes_put(p, IMPI, changed_at(5), 60000), 0);
	ck_assert_int_eq(guss_pushes_put(p, IMPI, changed_at(3), 60000), 0);
	ck_assert_int_eq(taken(p, IMPI, 1), 5);
	ck_assert_int_eq(taken(p, IMPI, -1), 5);
	ck_assert_int_eq(taken(p, IMPI, 5), 5);
	ck_assert_int_eq(taken(p, IMPI, 6), 6);
	ck_assert_int_eq(taken(p, "001010000000001@IMS.mnc001.mcc001.3GPPnetwork.org", 1), 5);
	ck_assert_int_eq(taken(p, "001010000000002@ims.mnc001.mcc001.3gppnetwork.org", 1), 1);
	ck_assert(guss_pushes_take(p, IMPI, &none));
	ck_assert_int_eq(second_of(none), 5);
	guss_blob_put(none);
	ck_assert_int_eq(guss_pushes_put(p, IMPI, changed_at(7), 60000), 0);
	ck_assert_int_eq(taken(p, IMPI, 6), 7);
	guss_pushes_free(p);
	guss_pushes_free(NULL);
}
END_TEST

/* One of the same instant is in the place of the other, but not of what a run has */
START_TEST(same_instant)
{
	struct guss_blob *old = changed_at(5), *new = changed_at(5), *kept = old;

	ck_assert(!guss_push_replace(&old, new, guss_push_when(guss_blob_span(new))));
	ck_assert_ptr_eq(old, kept);
	guss_blob_put(new);
	new = changed_at(-1);
	ck_assert(!guss_push_replace(&old, new, GUSS_NEVER));
	guss_blob_put(new);
	guss_blob_put(old);
}
END_TEST

START_TEST(over_in_time)
{
	struct guss_pushes *p = guss_pushes_new();
	uint64_t until;

	ck_assert_int_eq(guss_pushes_put(p, IMPI, changed_at(5), 100), 0);
	until = clock_mono_ms() + 100;
	while (clock_mono_ms() <= until)
		usleep(1000);
	ck_assert_int_eq(taken(p, IMPI, 1), 1);
	guss_pushes_free(p);
}
END_TEST

static int put_nth(struct guss_pushes *p, struct guss_blob *b, unsigned n, uint64_t keep_ms)
{
	char impi[32];

	snprintf(impi, sizeof(impi), "u%u@example.org", n);
	return guss_pushes_put(p, impi, guss_blob_get(b), keep_ms);
}

/* So many and no more, of any subscriber; what is over makes room */
START_TEST(bounded)
{
	struct guss_pushes *p = guss_pushes_new();
	struct guss_blob *b = changed_at(5);

	for (unsigned n = 0; n < GUSS_PUSHES_MAX; n++)
		ck_assert_int_eq(put_nth(p, b, n, 600000), 0);
	ck_assert_int_eq(put_nth(p, b, GUSS_PUSHES_MAX, 600000), -EBUSY);
	ck_assert_int_eq(put_nth(p, b, 0, 1), 0);
	usleep(3000);
	ck_assert_int_eq(put_nth(p, b, GUSS_PUSHES_MAX, 600000), 0);
	ck_assert_int_eq(put_nth(p, b, GUSS_PUSHES_MAX + 1, 600000), -EBUSY);
	guss_blob_put(b);
	guss_pushes_free(p);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { newest_stays, same_instant, over_in_time, bounded };

	return suite_run("pushed GUSS", NULL, NULL, tests, sizeof(tests) / sizeof(tests[0]));
}
