/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Buffers grow with what is in them, and within a budget of all. */
#include "common/dia/dia_buffer.h"

#include "tests/unit/suite.h"

#define BIG (DIA_BUFFER_SMALL + 1) /* takes twice DIA_BUFFER_SMALL */

static struct buf {
	uint8_t *p;
	size_t room;
} a, b, c;

static bool grow_to(struct buf *x, size_t want, bool bounded)
{
	return dia_buffer_grow(&x->p, &x->room, 0, want, bounded);
}

static void teardown(void)
{
	dia_buffer_free(&a.p, &a.room);
	dia_buffer_free(&b.p, &b.room);
	dia_buffer_free(&c.p, &c.room);
	dia_buffer_budget(DIA_BUFFER_BUDGET);
}

START_TEST(grows)
{
	ck_assert(grow_to(&a, 10, true));
	memcpy(a.p, "0123456789", 10);
	ck_assert(dia_buffer_grow(&a.p, &a.room, 10, 100000, true));
	ck_assert(a.room >= 100000 && memcmp(a.p, "0123456789", 10) == 0);
	dia_buffer_free(&a.p, &a.room);
	ck_assert(!a.p && !a.room);
}
END_TEST

START_TEST(budget)
{
	dia_buffer_budget(4 * DIA_BUFFER_SMALL);
	ck_assert(grow_to(&a, BIG, true) && grow_to(&b, BIG, true));
	ck_assert(!grow_to(&c, BIG, true) && !c.p && !c.room);
	ck_assert(grow_to(&c, DIA_BUFFER_SMALL, true)); /* a small one there always is */
	ck_assert(!grow_to(&c, BIG, true) && c.room == DIA_BUFFER_SMALL);
	ck_assert(grow_to(&c, BIG, false)); /* who is not bounded, too, but it counts */
	dia_buffer_free(&a.p, &a.room);
	ck_assert(!grow_to(&a, BIG, true));
	dia_buffer_free(&c.p, &c.room);
	ck_assert(grow_to(&a, BIG, true));
}
END_TEST

SUITE_WITH_FIXTURE("dia_buffer", NULL, teardown, grows, budget)
