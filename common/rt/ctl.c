/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/base/spare_fd.h"
#include "common/rt/cfg_file.h"
#include "common/rt/ctl_in.h"
#include "common/rt/log_cat.h"
#include "common/rt/unix_sock.h"

#define GROUPS_MAX   256  /* of a peer, that are looked at */
#define ACCEPT_AGAIN 1000 /* ms, without a descriptor */

static const struct ctl_daemon *served;
static struct osmo_fd listener = { .fd = -1 };
static struct deadline accept_later;
static struct deadline_set *deadlines;
static int spare = -1;

const struct ctl_daemon *ctl_daemon(void)
{
	return served;
}

static bool in_group(int fd, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

static bool may_order(int fd, char who[CTL_WHO_MAX])
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	snprintf(who, CTL_WHO_MAX, "uid %u pid %d", (unsigned)peer.uid, (int)peer.pid);
	return peer.uid == 0 || peer.uid == geteuid() || peer.gid == ctl_group() || in_group(fd, ctl_group());
}

static void ctl_turn_away(int fd, const char *who, const char *why)
{
	LOGP(DRT, LOGL_NOTICE, "control: %s refused: %s\n", who[0] ? who : "nobody", why);
	dprintf(fd, "0 error denied %s\n", why);
	close(fd);
}

static void take_in(int fd)
{
	char who[CTL_WHO_MAX] = "";

	if (!may_order(fd, who))
		ctl_turn_away(fd, who, "root, the daemon's own user and the socket's group are served here");
	else if (ctl_conn_open(fd, who) < 0)
		ctl_turn_away(fd, who, "too many connections");
}

static void accept_again(void *data)
{
	spare_fd_hold(&spare);
	listener.when = OSMO_FD_READ;
}

static int ctl_accept(struct osmo_fd *ofd, unsigned int what)
{
	int fd = accept4(ofd->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		take_in(fd);
	} else if ((errno == EMFILE || errno == ENFILE) && spare_fd_refuse(ofd->fd, &spare) != 1) {
		listener.when = 0;
		deadline_start(deadlines, &accept_later, ACCEPT_AGAIN, accept_again, NULL);
	}
	return 0;
}

/* --- start and end */

void ctl_init(const struct ctl_daemon *d)
{
	served = d;
	ctl_cfg_init();
}

int ctl_check(struct err *err)
{
	return unix_sock_check(&ctl_sock, err);
}

int ctl_start(void *ctx, struct err *err)
{
	int fd;

	if (!served || !ctl_sock.path)
		return 0;
	deadlines = deadline_set_new(ctx);
	if (!deadlines || ctl_generation_make() < 0)
		return err_set(err, -ENOMEM, "control: no memory");
	ctl_conn_init(deadlines);
	fd = unix_sock_listen(&ctl_sock, 0660, ctl_group(), CTL_CONNECTIONS_MAX, err);
	if (fd < 0)
		return fd;
	spare_fd_hold(&spare);
	osmo_fd_setup(&listener, fd, OSMO_FD_READ, ctl_accept, NULL, 0);
	return osmo_fd_register(&listener);
}

char *ctl_path(void *ctx)
{
	return ctl_sock.path ? cfg_path(ctx, ctl_sock.path) : NULL;
}

void ctl_stop(void)
{
	if (listener.fd < 0)
		return;
	osmo_fd_unregister(&listener);
	close(listener.fd);
	listener.fd = -1;
	ctl_conn_close_all();
	deadline_stop(&accept_later);
	if (spare >= 0)
		close(spare);
	spare = -1;
	unix_sock_remove(&ctl_sock);
}
