/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_flow.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "common/dia/dia_node.h"

#define EVENTS_MAX 256 /* of one peer, received and not worked off */

typedef int post_fn(struct fifo *queue, void **item);
typedef int event_fn(struct fifo *queue, int code, size_t size, void *data);

static post_fn *library_post;
static event_fn *library_event;

static _Thread_local bool never_waits, receives;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t room = PTHREAD_COND_INITIALIZER;
static atomic_uint waiting; /* receivers; counted up under the lock before they look */

void dia_flow_init(void)
{
	library_post = (post_fn *)dlsym(RTLD_NEXT, "fd_fifo_post_int");
	library_event = (event_fn *)dlsym(RTLD_NEXT, "fd_event_send");
}

bool dia_flow_never_waits(bool yes)
{
	bool before = never_waits;

	never_waits = yes;
	return before;
}

void dia_flow_receives(void)
{
	receives = true;
}

/* Takes the place of the library's in a program. While stopping the library ends the threads that empty its queues
 * before those that fill them. */
int fd_fifo_post_int(struct fifo *queue, void **item)
{
	return never_waits || dia_node.stopping || !library_post ? fd_fifo_post_noblock(queue, item)
								 : library_post(queue, item);
}

static int dia_flow_count(struct fifo *queue)
{
	int n = 0;

	fd_fifo_getstats(queue, &n, NULL, NULL, NULL, NULL, NULL, NULL);
	return n;
}

static void stop_waiting(void *none)
{
	atomic_fetch_sub(&waiting, 1);
	pthread_mutex_unlock(&lock);
}

/* The receiver is cancelled when its connection ends, most likely in here. */
static void wait_for_room(struct fifo *queue, void *data)
{
	if (dia_flow_count(queue) < EVENTS_MAX)
		return;
	pthread_cleanup_push(free, data);
	pthread_mutex_lock(&lock);
	atomic_fetch_add(&waiting, 1);
	pthread_cleanup_push(stop_waiting, NULL);
	while (dia_flow_count(queue) >= EVENTS_MAX)
		pthread_cond_wait(&room, &lock);
	pthread_cleanup_pop(1);
	pthread_cleanup_pop(0);
}

void dia_flow_taken(void)
{
	if (!atomic_load(&waiting))
		return;
	pthread_mutex_lock(&lock);
	pthread_cond_broadcast(&room);
	pthread_mutex_unlock(&lock);
}

/* Takes the place of the library's in a program. */
int fd_event_send(struct fifo *queue, int code, size_t size, void *data)
{
	if (!library_event)
		return EINVAL;
	if (receives)
		wait_for_room(queue, data);
	return library_event(queue, code, size, data);
}
