/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The set of revocation marks: what it fits, how two sets become one, when it forgets, and how many it takes. */
#include "bsf/store/marks.h"

#include <errno.h>
#include <stdio.h>
#include "tests/unit/suite.h"

#define IMPI "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
#define BSF  "bsf.mnc001.mcc001.pub.3gppnetwork.org"

static const struct seal_kek key_1 = { .id = 1, .key = { 32, { [0 ... 31] = 0x11 } } },
			     key_2 = { .id = 2, .key = { 32, { [0 ... 31] = 0x22 } } };

static struct marks *set_of(const struct seal_kek *key, size_t max)
{
	struct marks *m = marks_new(key, 1, max);

	ck_assert_ptr_nonnull(m);
	return m;
}

static struct mark timed(struct mark mark, int64_t at_ms)
{
	mark.at_ms = at_ms;
	mark.until_ms = at_ms + 1000;
	return mark;
}

static struct mark impi_mark(struct marks *m, const char *impi, int64_t at_ms)
{
	struct mark mark;

	ck_assert_int_eq(marks_of_impi(m, &mark, impi), 0);
	return timed(mark, at_ms);
}

static struct gba_session session(const char *impi, uint8_t n, int64_t made_ms)
{
	struct gba_session s = { .made_ms = made_ms, .rand = { n } };

	strcpy(s.impi.s, impi);
	strcpy(s.bsf_name, BSF);
	return s;
}

static bool fit(struct marks *m, const char *impi, uint8_t n, int64_t made_ms)
{
	struct gba_session s = session(impi, n, made_ms);

	return marks_fit(m, &s);
}

/* What was made before, and a tie; not what was made after, and nobody else's. An IMPI's domain has no case. */
START_TEST(of_a_subscriber)
{
	struct marks *m = set_of(&key_1, 10);
	struct mark mark = impi_mark(m, "001010000000001@IMS.mnc001.mcc001.3GPPnetwork.org", 500);

	ck_assert(!fit(m, IMPI, 1, 499));
	ck_assert_int_eq(marks_add(m, &mark), 0);
	ck_assert(fit(m, IMPI, 1, 499) && fit(m, IMPI, 1, 500));
	ck_assert(!fit(m, IMPI, 1, 501) && !fit(m, "other@example.org", 1, 499));
	ck_assert_msg(!memmem(&mark, sizeof(mark), "001010", 6), "a name in clear");
	marks_free(m);
}
END_TEST

/* Whenever it was made, under whatever case of the name, and under no other */
START_TEST(of_a_session)
{
	struct btid id = { .rand = { 7 }, .domain = "BSF.mnc001.mcc001.pub.3gppnetwork.org" };
	struct marks *m = set_of(&key_1, 10);
	struct mark mark;

	ck_assert_int_eq(marks_of_btid(m, &mark, &id), 0);
	mark = timed(mark, 500);
	ck_assert_int_eq(marks_add(m, &mark), 0);
	ck_assert(fit(m, IMPI, 7, 499) && fit(m, IMPI, 7, 900));
	ck_assert(!fit(m, IMPI, 8, 499));
	strcpy(id.domain, "bsf.example.org");
	ck_assert_int_eq(marks_of_btid(m, &mark, &id), 0);
	mark = timed(mark, 500);
	ck_assert_int_eq(marks_add(m, &mark), 0);
	ck_assert(!fit(m, IMPI, 8, 499));
	marks_free(m);
}
END_TEST

START_TEST(of_an_application)
{
	struct marks *m = set_of(&key_1, 10);
	struct mark mark;

	ck_assert_int_eq(marks_of_naf(m, &mark, "naf1.EXAMPLE.com"), 0);
	mark = timed(mark, 500);
	ck_assert_int_eq(marks_add(m, &mark), 0);
	ck_assert(marks_fit_naf(m, "NAF1.example.com", 500) && !marks_fit_naf(m, "NAF1.example.com", 501));
	ck_assert(!marks_fit_naf(m, "naf2.example.com", 500) && !fit(m, IMPI, 1, 1));
	marks_free(m);
}
END_TEST

START_TEST(of_all)
{
	struct marks *m = set_of(&key_1, 10);
	struct mark mark;

	marks_of_all(&mark);
	mark = timed(mark, 500);
	ck_assert_int_eq(marks_add(m, &mark), 0);
	ck_assert(fit(m, IMPI, 1, 500) && fit(m, "x@y", 2, 1) && !fit(m, IMPI, 1, 501));
	ck_assert_uint_eq(marks_expire(m, 1500), 1);
	ck_assert(!fit(m, IMPI, 1, 500));
	marks_free(m);
}
END_TEST

/* The later instants of both, in whatever order they come; what is no news says so */
START_TEST(of_two_one)
{
	struct marks *m = set_of(&key_1, 10);
	struct mark early = impi_mark(m, IMPI, 500), late = impi_mark(m, IMPI, 600), both = late;

	early.until_ms = 9000;
	ck_assert_int_eq(marks_add(m, &both), 0);
	both = early;
	ck_assert_int_eq(marks_add(m, &both), 0);
	ck_assert_int_eq(both.at_ms, 600);
	ck_assert_int_eq(both.until_ms, 9000);
	ck_assert_int_eq(marks_add(m, &late), -EALREADY);
	both = impi_mark(m, IMPI, 700);
	ck_assert_int_eq(marks_add(m, &both), 0);
	ck_assert_msg(both.until_ms == 9000, "a later one shortens");
	ck_assert(fit(m, IMPI, 1, 600));
	marks_free(m);
}
END_TEST

static struct mark nth(struct marks *m, unsigned n)
{
	char impi[32];

	snprintf(impi, sizeof(impi), "u%u@example.org", n);
	return impi_mark(m, impi, 1000 + n);
}

static bool count_one(void *owner, const struct mark *mark)
{
	return ++*(unsigned *)owner % 7;
}

/* Many, of which some are over: those are forgotten, no other one is */
START_TEST(forgets)
{
	struct marks *m = set_of(&key_1, 5000);
	struct marks_figures f;
	size_t from = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < 5000; i++) {
		struct mark mark = nth(m, i);

		ck_assert_int_eq(marks_add(m, &mark), 0);
	}
	ck_assert_uint_eq(marks_expire(m, 1999), 0);
	ck_assert_uint_eq(marks_expire(m, 2099), 0); /* 100 are not worth a walk */
	ck_assert_uint_eq(marks_expire(m, 2999), 1000);
	for (unsigned i = 0; i < 5000; i++) {
		char impi[32];

		snprintf(impi, sizeof(impi), "u%u@example.org", i);
		ck_assert_int_eq(fit(m, impi, 1, 1000), i >= 1000);
	}
	do /* it is stopped again and again, and goes on */
		from = marks_each(m, from, count_one, &n);
	while (from);
	marks_figures(m, &f);
	ck_assert_uint_eq(n, 4000);
	ck_assert_uint_eq(f.marks, 4000);
	ck_assert_uint_le(f.octets, 5000 * 4 * 48);
	marks_free(m);
}
END_TEST

/* No more than it may be; one for all goes in all the same, and what is there may become later */
START_TEST(is_full)
{
	struct marks *m = set_of(&key_1, 3);
	struct mark mark;

	for (unsigned i = 0; i < 3; i++) {
		mark = nth(m, i);
		ck_assert_int_eq(marks_add(m, &mark), 0);
	}
	mark = nth(m, 3);
	ck_assert_int_eq(marks_add(m, &mark), -ENOSPC);
	ck_assert(!fit(m, "u3@example.org", 1, 1));
	mark = timed(nth(m, 2), 5000);
	ck_assert_int_eq(marks_add(m, &mark), 0);
	marks_of_all(&mark);
	mark = timed(mark, 500);
	ck_assert_int_eq(marks_add(m, &mark), 0);
	ck_assert(fit(m, "u3@example.org", 1, 500));
	marks_free(m);
}
END_TEST

/* A name hashed under a key that is not there cannot be found: the mark counts for all; with the key it is known again */
START_TEST(foreign_key)
{
	const struct seal_kek both[] = { key_1, key_2 };
	struct marks *theirs = set_of(&key_2, 10), *ours = set_of(&key_1, 10), *again = marks_new(both, 2, 10);
	struct mark mark = impi_mark(theirs, IMPI, 500), copy = mark, earlier;

	ck_assert_int_eq(marks_add(ours, &copy), 0);
	marks_of_all(&earlier);
	earlier = timed(earlier, 400);
	ck_assert_int_eq(marks_add(ours, &earlier), 0);
	ck_assert(fit(ours, IMPI, 1, 500) && fit(ours, "other@example.org", 1, 500) && !fit(ours, IMPI, 1, 501));
	ck_assert_int_eq(marks_add(again, &mark), 0);
	ck_assert(fit(again, IMPI, 1, 500) && !fit(again, "other@example.org", 1, 500));
	marks_free(theirs);
	marks_free(ours);
	marks_free(again);
}
END_TEST

/* A set that does not know its store yet: no name can be hashed, and what comes from a file counts for all; then it is known by name */
START_TEST(learns)
{
	struct marks *first = marks_new(NULL, 0, 10), *later = marks_new(NULL, 0, 10);
	struct mark mark;

	ck_assert_int_eq(marks_of_impi(first, &mark, IMPI), -ENOTCONN);
	marks_learn(first, &key_1.key);
	mark = impi_mark(first, IMPI, 500);
	ck_assert_int_eq(marks_add(later, &mark), 0);
	ck_assert(fit(later, "other@example.org", 1, 500));
	marks_learn(later, &key_1.key);
	marks_learn(later, &key_1.key);
	ck_assert(fit(later, IMPI, 1, 500) && !fit(later, "other@example.org", 1, 500));
	marks_learn(later, &key_2.key);
	ck_assert(fit(later, IMPI, 1, 500) && !fit(later, "other@example.org", 1, 500));
	marks_free(first);
	marks_free(later);
}
END_TEST

SUITE("marks", of_a_subscriber, of_a_session, of_an_application, of_all, of_two_one, forgets, is_full, foreign_key,
      learns)
