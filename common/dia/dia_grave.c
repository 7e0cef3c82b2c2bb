/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_grave.h"

#include <dlfcn.h>
#include <errno.h>
#include "common/base/clock.h"
#include "common/dia/dia_node.h"
#include "common/dia/dia_out.h"

/* A thread that routes looks a peer up and then works with it: not for a second. The library collects every 120 s. */
#define GRACE_S 10

struct cnxctx;
struct fd_peer; /* begins with its struct peer_hdr */

typedef int free_fn(struct fd_peer **peer);
typedef int endpoints_fn(struct cnxctx *cnx, struct fd_list *eps);
typedef int watchdog_fn(struct msg **m, int request, struct fd_peer *peer);

/* exported by libfdcore, in none of its public headers */
free_fn fd_peer_free;
endpoints_fn fd_cnx_getremoteeps;
watchdog_fn fd_p_dw_handle;
int fd_p_expi_update(struct fd_peer *peer);

static free_fn *library_free;
static endpoints_fn *library_endpoints;
static watchdog_fn *library_watchdog;

void dia_grave_init(void)
{
	library_free = (free_fn *)dlsym(RTLD_NEXT, "fd_peer_free");
	library_endpoints = (endpoints_fn *)dlsym(RTLD_NEXT, "fd_cnx_getremoteeps");
	library_watchdog = (watchdog_fn *)dlsym(RTLD_NEXT, "fd_p_dw_handle");
}

/* In the library's list by their chain before, so that nobody finds them any more. On the thread that collects, and
 * after that has ended on the one that stops; what dies then is kept: its thread may have a last word to write into it.
 */
static struct fd_list dead = FD_LIST_INITIALIZER(dead);
static uint64_t last_death; /* s, monotonic */

static void free_dead(void)
{
	while (!FD_IS_LIST_EMPTY(&dead)) {
		struct fd_peer *peer = (struct fd_peer *)dead.next;

		fd_list_unlink(dead.next);
		dia_out_is_back((struct peer_hdr *)peer); /* its address may become another peer's */
		library_free(&peer);
	}
}

/* Takes the place of the library's in a program. */
int fd_peer_free(struct fd_peer **peer)
{
	uint64_t now_s = clock_mono_ms() / 1000;

	if (!library_free)
		return EINVAL;
	if (!dia_node.stopping && now_s - last_death >= GRACE_S)
		free_dead();
	last_death = now_s;
	fd_list_insert_before(&dead, &((struct peer_hdr *)*peer)->chain);
	*peer = NULL;
	return 0;
}

/* The library's way to take a peer from the list of those that expire, under its lock. */
void dia_grave_not_told(struct peer_hdr *peer)
{
	unsigned expires = peer->info.config.pic_flags.exp;

	peer->info.config.pic_flags.exp = PI_EXP_NONE;
	fd_p_expi_update((struct fd_peer *)peer);
	peer->info.config.pic_flags.exp = expires;
}

/* Takes the place of the library's in a program. A connection that is already reset has no address to tell; with an
 * error for that the library forgets the CER it holds. Without one, the connection is looked at again, refused, and
 * closed. */
int fd_cnx_getremoteeps(struct cnxctx *cnx, struct fd_list *eps)
{
	if (library_endpoints)
		library_endpoints(cnx, eps);
	return 0;
}

/* Takes the place of the library's in a program. Another Origin-State-Id than before is an error, for which the
 * connection ends; the message is forgotten. */
int fd_p_dw_handle(struct msg **m, int request, struct fd_peer *peer)
{
	int rc = library_watchdog ? library_watchdog(m, request, peer) : EINVAL;

	if (rc && *m) {
		fd_msg_free(*m);
		*m = NULL;
	}
	return rc;
}
