/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/listen.h"
#include "common/base/sockaddr.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <osmocom/core/select.h>
#include <talloc.h>
#include "bsf/run/cfg.h"
#include "bsf/ub/conn.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

#define BACKLOG 1024
#define BURST   64 /* connections taken per turn of the loop */

struct ub_listen {
	struct osmo_fd ofd[BSF_LISTEN_MAX];
	size_t n;
	int spare_fd; /* given up to take and close a connection when descriptors run out */
	ub_listen_fn *fn;
	ub_listen_room_fn *room;
	void *owner;
};

/* from: who came, and was closed or took the place of another one */
static void ub_refused(const struct sockaddr_storage *from)
{
	struct log_line l;

	counter_inc(CAUSE_ub_limit_connections);
	if (!log_rate_ok(DUB) || !log_line_begin(&l, DUB, LOGL_NOTICE, CAUSE_ub_limit_connections))
		return;
	log_line_from(&l, from);
	log_line_num(&l, "open", ub_conn_open());
	log_line_end(&l);
}

/* No descriptor is left and no connection of ours can go: take the new one with the spare descriptor, so that it does not
 * wait and wake us for ever. */
static void take_and_close(struct ub_listen *l, int listen_fd)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	int fd;

	if (l->spare_fd >= 0)
		close(l->spare_fd);
	fd = accept4(listen_fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		ub_refused(&from);
	}
	l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* One connection goes, whose end counts, for one that comes. */
static bool make_room(struct ub_listen *l, const struct sockaddr_storage *from)
{
	bool made = l->room(l->owner);

	if (made)
		ub_refused(from);
	return made;
}

/* \returns false: nothing more to take now */
static bool take_one(struct ub_listen *l, int listen_fd)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	int fd = accept4(listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && errno != EMFILE && errno != ENFILE)
		return false;
	if (fd < 0) {
		if (make_room(l, &from))
			return true;
		take_and_close(l, listen_fd);
		return false;
	}
	if (ub_conn_open() < bsf_connections() || make_room(l, &from)) {
		l->fn(l->owner, fd, (struct sockaddr *)&from, len);
		return true;
	}
	close(fd);
	ub_refused(&from);
	return true;
}

static int on_accept(struct osmo_fd *ofd, unsigned int what)
{
	for (int i = 0; i < BURST && take_one(ofd->data, ofd->fd); i++)
		;
	return 0;
}

static int listen_on(struct ub_listen *l, const struct bsf_listen *where)
{
	int fd = socket(where->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, rc;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (where->addr.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&where->addr, sockaddr_len(&where->addr)) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	osmo_fd_setup(&l->ofd[l->n], fd, OSMO_FD_READ, on_accept, l, 0);
	osmo_fd_register(&l->ofd[l->n++]);
	return 0;
}

static int listen_end(struct ub_listen *l)
{
	for (size_t i = 0; i < l->n; i++) {
		osmo_fd_unregister(&l->ofd[i]);
		close(l->ofd[i].fd);
	}
	if (l->spare_fd >= 0)
		close(l->spare_fd);
	return 0;
}

struct ub_listen *ub_listen_new(void *ctx, ub_listen_fn *fn, ub_listen_room_fn *room, void *owner, struct err *err)
{
	struct ub_listen *l = talloc_zero(ctx, struct ub_listen);

	if (!l) {
		err_set(err, -ENOMEM, "ub: no memory");
		return NULL;
	}
	l->fn = fn;
	l->room = room;
	l->owner = owner;
	l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	talloc_set_destructor(l, listen_end);
	for (size_t i = 0; i < bsf_cfg->n_ub; i++) {
		int rc = listen_on(l, &bsf_cfg->ub[i]);

		if (rc < 0) {
			err_set(err, rc, "ub: listen %s: %s", bsf_cfg->ub[i].text, strerror(-rc));
			talloc_free(l);
			return NULL;
		}
	}
	return l;
}
