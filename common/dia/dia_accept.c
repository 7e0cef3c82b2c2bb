/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_accept.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "common/base/spare_fd.h"
#include "common/dia/dia_node.h"

#define PAUSE_MS 50

struct cnxctx;

typedef struct cnxctx *accept_fn(struct cnxctx *server);
typedef int name_fn(const struct sockaddr *sa, socklen_t len, char *host, socklen_t host_len, char *serv,
		    socklen_t serv_len, int flags);

accept_fn fd_cnx_serv_accept; /* exported by libfdcore, in none of its public headers */

static accept_fn *library_accept;
static name_fn *c_library_name;
static _Thread_local int spare = -1; /* one thread for each address we listen on */

void dia_accept_init(void)
{
	library_accept = (accept_fn *)dlsym(RTLD_NEXT, "fd_cnx_serv_accept");
}

/* An error of accept() is one of this connection, or there is no descriptor: then it fails at once, also when nobody
 * waits. The thread ends by being cancelled. */
static void after_error(struct cnxctx *server)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	int fd = dia_cnx_socket(server);

	while (spare_fd_refuse(fd, &spare) > 0)
		dia_event(DIA_EV_PROTOCOL, "", "no descriptor left for another connection, closed");
	spare_fd_hold(&spare);
	nanosleep(&pause, NULL);
}

/* Takes the place of the library's in a program. */
struct cnxctx *fd_cnx_serv_accept(struct cnxctx *server)
{
	struct cnxctx *cnx = NULL;

	spare_fd_hold(&spare);
	while (library_accept && !cnx) {
		cnx = library_accept(server);
		if (!cnx)
			after_error(server);
	}
	return cnx;
}

/* Takes the place of the C library's in a program. */
int getnameinfo(const struct sockaddr *sa, socklen_t len, char *host, socklen_t host_len, char *serv,
		socklen_t serv_len, int flags)
{
	if (!c_library_name)
		c_library_name = (name_fn *)dlsym(RTLD_NEXT, "getnameinfo");
	return c_library_name ? c_library_name(sa, len, host, host_len, serv, serv_len,
					       flags | NI_NUMERICHOST | NI_NUMERICSERV)
			      : EAI_FAIL;
}
