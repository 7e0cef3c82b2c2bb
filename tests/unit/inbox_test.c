/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Items cross threads once each, in order, bounded; closing releases what waits. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <osmocom/core/select.h>
#include <osmocom/core/talloc.h>
#include "common/rt/inbox.h"
#include "tests/unit/io_log.h"
#include "tests/unit/suite.h"

struct number {
	struct inbox_item item;
	unsigned thread, n;
};

struct seen {
	unsigned next[4], count, stopped;
	bool order_ok;
};

static void on_number(void *owner, struct inbox_item *item, bool stopping)
{
	struct seen *s = owner;
	struct number *n = (struct number *)item;

	if (n->n != s->next[n->thread]++)
		s->order_ok = false;
	s->count++;
	s->stopped += stopping;
	free(n);
}

static struct number *number_new(unsigned thread, unsigned n)
{
	struct number *x = calloc(1, sizeof(*x));

	x->item.run = on_number;
	x->thread = thread;
	x->n = n;
	return x;
}

struct poster {
	struct inbox *in;
	unsigned thread, n;
};

static pthread_barrier_t start_line; /* they begin at once */

static void *post_many(void *arg)
{
	struct poster *p = arg;
	unsigned i;

	pthread_barrier_wait(&start_line);
	for (i = 0; i < p->n; i++)
		ck_assert_int_eq(inbox_post_always(p->in, &number_new(p->thread, i)->item), 0);
	return NULL;
}

START_TEST(four_threads_in_order)
{
	struct seen s = { .order_ok = true };
	struct inbox *in = inbox_new(10, &s);
	struct poster p[4];
	pthread_t t[4];
	unsigned i;

	ck_assert_int_eq(inbox_attach(in), 0);
	pthread_barrier_init(&start_line, NULL, 4);
	for (i = 0; i < 4; i++) {
		p[i] = (struct poster){ in, i, 20000 };
		ck_assert_int_eq(pthread_create(&t[i], NULL, post_many, &p[i]), 0);
	}
	while (s.count < 80000)
		osmo_select_main(0); /* a lost wake-up would hang here until the test's time is over */
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ck_assert(s.order_ok);
	inbox_free(in);
	ck_assert_uint_eq(s.count, 80000);
}
END_TEST

START_TEST(bounded)
{
	struct seen s = { .order_ok = true };
	struct inbox *in = inbox_new(2, &s);
	struct number *third = number_new(0, 2);

	ck_assert_int_eq(inbox_attach(in), 0);
	ck_assert_int_eq(inbox_post(in, &number_new(0, 0)->item), 0);
	ck_assert_int_eq(inbox_post(in, &number_new(0, 1)->item), 0);
	ck_assert_int_eq(inbox_post(in, &third->item), -EBUSY);
	ck_assert_int_eq(inbox_post_always(in, &third->item), 0);
	osmo_select_main(0);
	ck_assert_uint_eq(s.count, 3);
	ck_assert_int_eq(inbox_post(in, &number_new(0, 3)->item), 0); /* room again */
	inbox_free(in);
	ck_assert_uint_eq(s.count, 4);
	ck_assert_uint_eq(s.stopped, 1);
}
END_TEST

START_TEST(closed_refuses)
{
	struct seen s = { .order_ok = true };
	struct inbox *in = inbox_new(2, &s);
	struct number *late = number_new(0, 1);

	ck_assert_int_eq(inbox_post(in, &number_new(0, 0)->item), 0);
	inbox_close(in);
	ck_assert_uint_eq(s.stopped, 1);
	ck_assert_int_eq(inbox_post(in, &late->item), -ESHUTDOWN);
	ck_assert_int_eq(inbox_post_always(in, &late->item), -ESHUTDOWN);
	free(late);
	inbox_free(in);
}
END_TEST

static _Thread_local int registered;

int osmo_fd_register(struct osmo_fd *fd)
{
	REAL_OF(osmo_fd_register)
	registered++;
	return real(fd);
}

void osmo_fd_unregister(struct osmo_fd *fd)
{
	REAL_OF(osmo_fd_unregister)
	ck_assert_msg(registered-- > 0, "taken out of another thread's loop");
	real(fd);
}

static void *attach_and_close(void *in)
{
	osmo_ctx_init("receiver");
	osmo_select_init();
	ck_assert_int_eq(inbox_attach(in), 0);
	inbox_close(in);
	ck_assert_int_eq(registered, 0);
	talloc_free(osmo_ctx);
	osmo_ctx = NULL;
	return NULL;
}

/* The loop of a thread is left on that thread, also where another one frees the inbox */
START_TEST(freed_elsewhere)
{
	struct inbox *in = inbox_new(2, NULL);
	pthread_t t;

	ck_assert_int_eq(pthread_create(&t, NULL, attach_and_close, in), 0);
	pthread_join(t, NULL);
	inbox_free(in);
	in = inbox_new(2, NULL);
	ck_assert_int_eq(inbox_attach(in), 0);
	inbox_free(in);
	ck_assert_int_eq(registered, 0);
}
END_TEST

SUITE("inbox", four_threads_in_order, bounded, closed_refuses, freed_elsewhere)
