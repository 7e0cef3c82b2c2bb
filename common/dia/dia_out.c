/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "common/dia/dia_out.h"

struct cnxctx;
struct fd_peer; /* begins with its struct peer_hdr */

typedef int out_send_fn(struct msg **m, struct cnxctx *cnx, struct fd_peer *peer, int counted);

out_send_fn fd_out_send; /* exported by libfdcore, in none of its public headers */

static out_send_fn *library_send;

void dia_out_init(void)
{
	library_send = (out_send_fn *)dlsym(RTLD_NEXT, "fd_out_send");
}

static bool is_answer(struct msg *m)
{
	struct msg_hdr *hdr;

	return !fd_msg_hdr(m, &hdr) && !(hdr->msg_flags & CMD_FLAG_REQUEST);
}

/* Peers whose connection is being taken apart by their own thread. That thread says so first, and waits for those who are
 * just sending: without it the library writes to what it has freed. Not for ever: who sends may wait for that very thread. */
#define WAIT_NS 200000000L

static pthread_rwlock_t sending = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *leaving; /* tsearch */

static int by_address(const void *a, const void *b)
{
	return (uintptr_t)a < (uintptr_t)b ? -1 : (uintptr_t)a > (uintptr_t)b;
}

void dia_out_leaves(struct peer_hdr *peer)
{
	struct timespec until;

	pthread_mutex_lock(&lock);
	tsearch(peer, &leaving, by_address);
	pthread_mutex_unlock(&lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += WAIT_NS;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	if (!pthread_rwlock_timedwrlock(&sending, &until))
		pthread_rwlock_unlock(&sending);
}

void dia_out_is_back(struct peer_hdr *peer)
{
	pthread_mutex_lock(&lock);
	tdelete(peer, &leaving, by_address);
	pthread_mutex_unlock(&lock);
}

static bool leaves(struct peer_hdr *peer)
{
	bool found;

	pthread_mutex_lock(&lock);
	found = tfind(peer, &leaving, by_address);
	pthread_mutex_unlock(&lock);
	return found;
}

/* Is there a connection to send on that stays? */
static bool can_send(struct peer_hdr *peer)
{
	switch (fd_peer_get_state(peer)) {
	case STATE_OPEN:
	case STATE_OPEN_NEW:
	case STATE_SUSPECT:
	case STATE_REOPEN:
	case STATE_CLOSING:
		return !leaves(peer);
	default:
		return false;
	}
}

static void unlock(void *none)
{
	pthread_rwlock_unlock(&sending);
}

/* The threads that route are cancelled at the end, perhaps in the middle of this. */
static void send_routed(struct msg **m, struct fd_peer *peer, int counted)
{
	pthread_rwlock_rdlock(&sending);
	pthread_cleanup_push(unlock, NULL);
	if (can_send((struct peer_hdr *)peer))
		library_send(m, NULL, peer, counted);
	pthread_cleanup_pop(1);
}

/* Takes the place of the library's in a program. What is counted is the answer to a request that was routed; the rest is
 * sent by the peer's own thread. */
int fd_out_send(struct msg **m, struct cnxctx *cnx, struct fd_peer *peer, int counted)
{
	if (!library_send)
		return EINVAL;
	if (cnx || !peer || !counted || !m || !*m || !is_answer(*m))
		return library_send(m, cnx, peer, counted);
	send_routed(m, peer, counted);
	if (*m) /* not taken */
		fd_msg_free(*m);
	*m = NULL;
	return 0;
}
