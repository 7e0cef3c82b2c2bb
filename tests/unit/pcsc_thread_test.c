/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Calls that do not come back: left in time, undone when they do, and so many and no more. */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include "tests/unit/suite.h"
#include "ue/card/pcsc_thread.h"

static sem_t hanging, dropped, undone;
static atomic_int jobs_done;

static void work(void *owner)
{
	atomic_fetch_add((atomic_int *)owner, 1);
}

static void hang(void *owner)
{
	sem_wait(&hanging);
}

static void undo(void *owner)
{
	sem_post(&undone);
}

static void drop(void *owner)
{
	sem_post(&dropped);
}

static struct pcsc_thread *thread_new(void)
{
	return pcsc_thread_new(&(struct pcsc_jobs){ &jobs_done, undo, drop }, NULL);
}

static void begin(void)
{
	sem_init(&hanging, 0, 0);
	sem_init(&dropped, 0, 0);
	sem_init(&undone, 0, 0);
	atomic_store(&jobs_done, 0);
}

static int count_of(sem_t *s)
{
	int n = 0;

	sem_getvalue(s, &n);
	return n;
}

START_TEST(in_time)
{
	struct pcsc_thread *t;

	begin();
	t = thread_new();
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(pcsc_thread_run(t, work, 60), 0);
	ck_assert(pcsc_thread_idle(t));
	pcsc_thread_free(t);
	ck_assert_int_eq(atomic_load(&jobs_done), 1000);
	ck_assert(count_of(&dropped) == 1 && count_of(&undone) == 0);
}

START_TEST(late)
{
	struct pcsc_thread *t;

	begin();
	t = thread_new();
	ck_assert_int_eq(pcsc_thread_run(t, hang, 0), -ETIMEDOUT);
	ck_assert(!pcsc_thread_idle(t));
	ck_assert_int_eq(pcsc_thread_run(t, work, 60), -ETIMEDOUT); /* at once */
	sem_post(&hanging);
	sem_wait(&undone);
	while (!pcsc_thread_idle(t))
		sched_yield();
	ck_assert_int_eq(pcsc_thread_run(t, work, 60), 0);
	pcsc_thread_free(t);
	ck_assert(atomic_load(&jobs_done) == 1 && count_of(&undone) == 0 && count_of(&dropped) == 1);
}

/* Who opens a reader that hangs again and again gets no thread for each time. */
START_TEST(left_alone)
{
	struct err err = { "" };

	begin();
	for (int i = 0; i < PCSC_STUCK_MAX; i++) {
		struct pcsc_thread *t = thread_new();

		ck_assert_ptr_nonnull(t);
		ck_assert_int_eq(pcsc_thread_run(t, hang, 0), -ETIMEDOUT);
		pcsc_thread_free(t);
	}
	ck_assert_ptr_null(pcsc_thread_new(&(struct pcsc_jobs){ &jobs_done, undo, drop }, &err));
	ck_assert_msg(strstr(err.text, "no more are asked") != NULL, "%s", err.text);
	for (int i = 0; i < PCSC_STUCK_MAX; i++)
		sem_post(&hanging);
	for (int i = 0; i < PCSC_STUCK_MAX; i++)
		sem_wait(&dropped);
	struct pcsc_thread *t;

	while (!(t = thread_new())) /* the last one is a moment on its way out */
		sched_yield();
	pcsc_thread_free(t);
}

SUITE("pcsc_thread", in_time, late, left_alone)
