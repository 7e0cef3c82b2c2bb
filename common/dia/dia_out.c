/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_out.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "common/dia/dia_flow.h"
#include "common/dia/dia_grave.h"
#include "common/dia/dia_node.h"

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
int fd_psm_terminate(struct fd_peer *peer, char *reason);
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

/* Peers whose connection their own thread takes apart. It says so first, and comes to that only when nobody is sending:
 * without it the library writes to what it has freed. Who sends holds the lock, and waits for nothing. */
static pthread_mutex_t sending = PTHREAD_MUTEX_INITIALIZER;
static void *leaving; /* tsearch */

static int by_address(const void *a, const void *b)
{
	return (uintptr_t)a < (uintptr_t)b ? -1 : (uintptr_t)a > (uintptr_t)b;
}

void dia_out_is_back(struct peer_hdr *peer)
{
	pthread_mutex_lock(&sending);
	tdelete(peer, &leaving, by_address);
	pthread_mutex_unlock(&sending);
}

/* A peer that reads so slowly is cut off: what waits for it is memory, and its answers come too late. The library cuts off
 * who takes nothing at all for a second. */
#define TO_SEND_MAX 8192 /* some 40 MB */

static void cut_if_stuck(struct peer_hdr *peer)
{
	int n = 0, fd;

	if (fd_stat_getstats(STAT_P_TOSEND, peer, &n, NULL, NULL, NULL, NULL, NULL, NULL) || n < TO_SEND_MAX)
		return;
	fd = dia_peer_socket(peer);
	if (fd >= 0 && !shutdown(fd, SHUT_RDWR) &&
	    n == TO_SEND_MAX) /* said once: until its thread sees it, more may come */
		dia_log(DIA_LOG_NOTICE, "peer %s does not read: cut off with %d messages to send", peer->info.pi_diamid,
			n);
}

static void unlock_sending(void *none)
{
	pthread_mutex_unlock(&sending);
}

/* Under the lock. */
static int send_if_open(struct msg **m, struct fd_peer *fd_peer)
{
	struct peer_hdr *peer = (struct peer_hdr *)fd_peer;
	int rc;

	if (fd_peer_get_state(peer) != STATE_OPEN || tfind(peer, &leaving, by_address))
		return ENOTCONN;
	rc = library_send(m, NULL, fd_peer, 1);
	cut_if_stuck(peer);
	return rc;
}

/* The threads that route are cancelled at the end, perhaps in the middle of this. */
static void send_routed(struct msg **m, struct fd_peer *peer, int *rc)
{
	pthread_mutex_lock(&sending);
	pthread_cleanup_push(unlock_sending, NULL);
	*rc = send_if_open(m, peer);
	pthread_cleanup_pop(1);
}

/* Takes the place of the library's in a program. What is counted was routed, the rest is sent by the peer's own thread. An
 * error for an answer would end the node; a request goes to the next peer then. */
int fd_out_send(struct msg **m, struct cnxctx *cnx, struct fd_peer *peer, int counted)
{
	bool before;
	int rc;

	if (!library_send)
		return EINVAL;
	before = dia_flow_never_waits(true);
	if (cnx || !peer || !counted || !m || !*m) {
		rc = library_send(m, cnx, peer, counted);
	} else {
		send_routed(m, peer, &rc);
		if (rc && (!*m || is_answer(*m))) {
			dia_event(DIA_EV_UNSENT, ((struct peer_hdr *)peer)->info.pi_diamid, "its connection has gone");
			if (*m)
				fd_msg_free(*m);
			*m = NULL;
			rc = 0;
		}
	}
	dia_flow_never_waits(before);
	return rc;
}

void dia_out_now(struct msg **cea, struct cnxctx *cnx)
{
	fd_out_send(cea, cnx, NULL, 0);
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

int fd_p_dw_handle(struct msg **m, int request, struct fd_peer *peer);

/* With an empty message in place of the answer the library takes its watchdog for answered, and waits Tw for the next. */
void dia_out_was_late(struct peer_hdr *peer)
{
	struct msg *none = NULL;

	if (fd_peer_get_state(peer) != STATE_SUSPECT || fd_msg_new(NULL, 0, &none))
		return;
	if (!fd_p_dw_handle(&none, 0, (struct fd_peer *)peer))
		fd_psm_change_state((struct fd_peer *)peer, STATE_OPEN);
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

	if (!library_new_cer || !dia_may_connect(cer, *cnx))
		return EINVAL;
	pthread_mutex_lock(&burial);
	pthread_cleanup_push(unlock_burial, NULL);
	rc = library_new_cer(cer, cnx);
	pthread_cleanup_pop(1);
	return rc;
}

/* At the end the library tells each peer's thread once that it is to end, and then waits 15 s for it. Whose connection is lost
 * at that moment, as when HSS and BSF stop together, throws the word away with all its events; so it is told again. */
static void clean_up_to_go_on(struct fd_peer *peer)
{
	library_cleanup(peer, 0);
	if (dia_node.stopping)
		fd_psm_terminate(peer, "REBOOTING");
}

void fd_psm_cleanup(struct fd_peer *peer, int terminate)
{
	if (!library_cleanup)
		return;
	pthread_mutex_lock(&sending);
	tsearch(peer, &leaving, by_address);
	pthread_mutex_unlock(&sending);
	if (!terminate) {
		clean_up_to_go_on(peer);
		return;
	}
	library_cleanup(peer, 0); /* what takes its time: threads are waited for */
	dia_grave_not_told((struct peer_hdr *)peer);
	if (dia_node.stopping) { /* nobody connects any more, and the list of peers is locked */
		library_cleanup(peer, 1);
		return;
	}
	pthread_mutex_lock(&burial);
	pthread_cleanup_push(unlock_burial, NULL);
	library_cleanup(peer, 1);
	pthread_cleanup_pop(1);
}
