/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/card/pcsc_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct pcsc_thread {
	struct pcsc_jobs jobs;
	pthread_t id;
	pthread_mutex_t lock;
	pthread_cond_t more, done;
	void (*job)(void *owner); /* NULL: none */
	bool left;                /* nobody waits for the job any more */
	bool quit, alone;         /* there are no more jobs; nobody will join */
};

static atomic_int stuck;

/* Without the lock: a job takes as long as it takes, and so does what is to be undone. */
static void pcsc_thread_job(struct pcsc_thread *t)
{
	bool left;

	pthread_mutex_unlock(&t->lock);
	t->job(t->jobs.owner);
	pthread_mutex_lock(&t->lock);
	left = t->left;
	pthread_mutex_unlock(&t->lock);
	if (left)
		t->jobs.late(t->jobs.owner);
	pthread_mutex_lock(&t->lock);
	t->job = NULL;
	t->left = false;
	pthread_cond_signal(&t->done);
}

static void *pcsc_thread_main(void *arg)
{
	struct pcsc_thread *t = arg;
	bool alone;

	pthread_mutex_lock(&t->lock);
	while (t->job || !t->quit) {
		if (t->job)
			pcsc_thread_job(t);
		else
			pthread_cond_wait(&t->more, &t->lock);
	}
	alone = t->alone;
	pthread_mutex_unlock(&t->lock);
	t->jobs.drop(t->jobs.owner);
	if (alone) {
		free(t);
		atomic_fetch_sub(&stuck, 1);
	}
	return NULL;
}

/* No signal of the program ends up on a thread it does not know. */
static int pcsc_thread_start(struct pcsc_thread *t)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&t->id, NULL, pcsc_thread_main, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct pcsc_thread *pcsc_thread_new(const struct pcsc_jobs *jobs, struct err *err)
{
	pthread_condattr_t mono;
	struct pcsc_thread *t;

	if (atomic_load(&stuck) >= PCSC_STUCK_MAX) {
		err_set(err, -EBUSY, "pcscd has not answered %d questions yet: no more are asked", PCSC_STUCK_MAX);
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->jobs = *jobs;
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->more, NULL);
	pthread_cond_init(&t->done, &mono);
	pthread_condattr_destroy(&mono);
	if (pcsc_thread_start(t) == 0)
		return t;
	free(t);
	return NULL;
}

bool pcsc_thread_idle(struct pcsc_thread *t)
{
	bool idle;

	pthread_mutex_lock(&t->lock);
	idle = !t->job;
	pthread_mutex_unlock(&t->lock);
	return idle;
}

int pcsc_thread_run(struct pcsc_thread *t, void (*job)(void *owner), int timeout_s)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_s;
	pthread_mutex_lock(&t->lock);
	if (t->job) {
		pthread_mutex_unlock(&t->lock);
		return -ETIMEDOUT;
	}
	t->job = job;
	pthread_cond_signal(&t->more);
	while (t->job && rc == 0)
		rc = pthread_cond_timedwait(&t->done, &t->lock, &until);
	t->left = t->job != NULL;
	rc = t->left ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&t->lock);
	return rc;
}

void pcsc_thread_free(struct pcsc_thread *t)
{
	const pthread_t id = t->id;
	bool alone;

	pthread_mutex_lock(&t->lock);
	t->quit = true;
	alone = t->alone = t->job != NULL;
	if (alone) {
		atomic_fetch_add(&stuck, 1);
		pthread_detach(id);
	}
	pthread_cond_signal(&t->more);
	pthread_mutex_unlock(&t->lock);
	if (alone)
		return; /* t is the thread's */
	pthread_join(id, NULL);
	free(t);
}
