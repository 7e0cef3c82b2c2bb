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

typedef int reopen_fn(struct fd_peer *peer);
typedef int new_cer_fn(struct msg **cer, struct cnxctx **cnx);
typedef void cleanup_fn(struct fd_peer *peer, int terminate);

/* exported by libfdcore, in none of its public headers */
out_send_fn fd_out_send;
reopen_fn fd_p_dw_reopen;
int fd_psm_change_state(struct fd_peer *peer, int state);
new_cer_fn fd_peer_handle_newCER;
cleanup_fn fd_psm_cleanup;

static out_send_fn *library_send;
static reopen_fn *library_reopen;
static new_cer_fn *library_new_cer;
static cleanup_fn *library_cleanup;

void dia_out_init(void)
{
	library_send = (out_send_fn *)dlsym(RTLD_NEXT, "fd_out_send");
	library_reopen = (reopen_fn *)dlsym(RTLD_NEXT, "fd_p_dw_reopen");
	library_new_cer = (new_cer_fn *)dlsym(RTLD_NEXT, "fd_peer_handle_newCER");
	library_cleanup = (cleanup_fn *)dlsym(RTLD_NEXT, "fd_psm_cleanup");
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

/* Takes the place of the library's in a program; on the peer's own thread, after the CEA. What RFC 3539 3.4.1 wants three
 * watchdogs for is sending requests to a peer that failed. One that came to us is to be answered, and the library drops
 * answers until then. The watchdog it has sent here is still waited for. */
int fd_p_dw_reopen(struct fd_peer *peer)
{
	int rc = library_reopen ? library_reopen(peer) : EINVAL;

	if (!rc && ((struct peer_hdr *)peer)->info.config.pic_flags.persist == PI_PRST_NONE)
		rc = fd_psm_change_state(peer, STATE_OPEN);
	return rc;
}

/* The library hands a CER to the queue of a peer that may just be deleting that queue: seen to wait for ever in it with the
 * list of all peers locked, so that nobody could connect any more. Now it comes before the end and is closed with the rest,
 * or after it. */
static pthread_mutex_t burial = PTHREAD_MUTEX_INITIALIZER;

static void unlock_burial(void *none)
{
	pthread_mutex_unlock(&burial);
}

int fd_peer_handle_newCER(struct msg **cer, struct cnxctx **cnx)
{
	int rc;

	if (!library_new_cer)
		return EINVAL;
	pthread_mutex_lock(&burial);
	pthread_cleanup_push(unlock_burial, NULL);
	rc = library_new_cer(cer, cnx);
	pthread_cleanup_pop(1);
	return rc;
}

void fd_psm_cleanup(struct fd_peer *peer, int terminate)
{
	if (!library_cleanup)
		return;
	library_cleanup(peer, 0); /* what takes its time: threads are waited for */
	if (!terminate)
		return;
	pthread_mutex_lock(&burial);
	pthread_cleanup_push(unlock_burial, NULL);
	library_cleanup(peer, 1);
	pthread_cleanup_pop(1);
}
