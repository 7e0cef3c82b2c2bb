/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/vty_sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>
#include <osmocom/vty/buffer.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/telnet_interface.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/rt/log_cat.h"
#include "common/rt/unix_sock.h"
#include "common/rt/vty_line.h"

#define UNREAD_MAX 1000000 /* pieces of output for a client that does not read */
#define TYPED_MAX  4096    /* octets of a line */
#define WORD_MAX   64      /* octets one octet typed adds at most: a word that is completed */
#define LINE_ROOM  (TYPED_MAX + VTY_READ_BUFSIZ * WORD_MAX + 1)

/* The library's commands take vty->priv for its own kind of connection. */
struct vty_conn {
	struct telnet_connection telnet;
	unsigned unread;
	char who[48];
};

static struct unix_sock vty_sock = { .node = "line vty" };
static LLIST_HEAD(conns); /* struct vty_conn */
static void *conns_ctx;
static struct osmo_fd listener = { .fd = -1 };
static struct osmo_timer_list retry;
static int spare_fd = -1; /* given up to turn a client away when there is no other descriptor */

/* Takes the place of the library's, which closes the descriptor, flushes what is unsent to its number, and closes the
 * number again: in between another thread may have been given it. Here the VTY closes it, once, after its last flush. */
void vty_event(enum event event, int sock, struct vty *vty); /* exported, in no public header */

void vty_event(enum event event, int sock, struct vty *vty)
{
	struct vty_conn *c = vty->priv;

	if (vty->type != VTY_TERM || !c)
		return;
	if (event == VTY_READ) {
		c->telnet.fd.when |= OSMO_FD_READ;
	} else if (event == VTY_WRITE) {
		c->telnet.fd.when |= OSMO_FD_WRITE;
		if (++c->unread > UNREAD_MAX)
			shutdown(c->telnet.fd.fd, SHUT_RDWR);
	} else if (event == VTY_CLOSED) {
		osmo_fd_unregister(&c->telnet.fd);
		if (c->telnet.dbg) {
			log_del_target(c->telnet.dbg);
			talloc_free(c->telnet.dbg);
		}
		llist_del(&c->telnet.entry);
		talloc_free(c);
	}
}

/* The library looks neither at the end of its buffer when it completes a word, nor is there a NUL behind a line that it was
 * not yet told to end: there is more room than one turn can fill, and all of it is zero. */
static bool line_room(struct vty *vty)
{
	char *room = talloc_zero_size(vty, LINE_ROOM);

	if (!room)
		return false;
	talloc_free(vty->buf);
	vty->buf = room;
	vty->max = LINE_ROOM;
	return true;
}

/* Nothing is read while output waits: who does not read cannot order more of it. */
static int on_vty_data(struct osmo_fd *ofd, unsigned int what)
{
	struct vty_conn *c = ofd->data;
	struct vty *vty = c->telnet.vty;

	if ((what & OSMO_FD_READ) && vty_read(vty) == -EBADF)
		return -EBADF; /* closed, and c is gone */
	if (vty->length > TYPED_MAX) {
		vty_out(vty, "%s%% a line has up to %d characters%s", VTY_NEWLINE, TYPED_MAX, VTY_NEWLINE);
		vty_close(vty);
		return -EBADF;
	}
	switch (buffer_flush_all(vty->obuf, ofd->fd)) {
	case BUFFER_EMPTY:
		c->unread = 0;
		ofd->when = OSMO_FD_READ;
		return 0;
	case BUFFER_PENDING:
		ofd->when = OSMO_FD_WRITE;
		return 0;
	default:
		vty_close(vty);
		return -EBADF;
	}
}

static void turn_away(int fd, const char *who, const char *why)
{
	LOGP(DRT, LOGL_NOTICE, "vty: %s refused: %s\n", who[0] ? who : "connection", why);
	dprintf(fd, "%% %s\r\n", why);
	close(fd);
}

static bool is_operator(int fd, char who[48])
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	snprintf(who, 48, "uid %u pid %d", (unsigned)peer.uid, (int)peer.pid);
	return peer.uid == 0 || peer.uid == geteuid();
}

static void serve_vty(int fd)
{
	struct vty_conn *c;
	char who[48] = "";

	if (!is_operator(fd, who))
		return turn_away(fd, who, "only root and the daemon's own user are served here");
	if (llist_count(&conns) >= VTY_CONNECTIONS_MAX)
		return turn_away(fd, who, "too many VTY connections");
	c = talloc_zero(conns_ctx, struct vty_conn);
	if (!c)
		return turn_away(fd, who, "no memory");
	strcpy(c->who, who);
	osmo_fd_setup(&c->telnet.fd, fd, OSMO_FD_READ, on_vty_data, c, 0);
	osmo_fd_register(&c->telnet.fd);
	llist_add_tail(&c->telnet.entry, &conns);
	LOGP(DRT, LOGL_INFO, "vty: %s connected\n", who);
	c->telnet.vty = vty_create(fd, c);
	if (!line_room(c->telnet.vty))
		vty_close(c->telnet.vty);
}

static void keep_spare(void)
{
	if (spare_fd < 0)
		spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void accept_again(void *data)
{
	keep_spare();
	listener.when = OSMO_FD_READ;
}

/* Another thread may take the spare one's place: then who waits must not wake us until there is room. */
static void accept_without_room(void)
{
	int fd;

	if (spare_fd >= 0)
		close(spare_fd);
	spare_fd = -1;
	fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		turn_away(fd, "", "no descriptor left");
	keep_spare();
	if (fd >= 0)
		return;
	listener.when = 0;
	osmo_timer_setup(&retry, accept_again, NULL);
	osmo_timer_schedule(&retry, 1, 0);
}

static int on_vty_accept(struct osmo_fd *ofd, unsigned int what)
{
	int fd = accept4(ofd->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		serve_vty(fd);
	else if (errno == EMFILE || errno == ENFILE)
		accept_without_room();
	return 0;
}

/* --- configuration */

DEFUN(vty_socket, vty_socket_cmd, "socket PATH",
      "Unix socket of this VTY, for root and the daemon's user\n"
      "Path, relative to the folder of this file\n")
{
	return unix_sock_configure(&vty_sock, vty, argv[0]);
}

static int write_line_vty(struct vty *vty)
{
	if (vty_sock.path)
		vty_out(vty, "line vty%s socket %s%s", VTY_NEWLINE, vty_sock.path, VTY_NEWLINE);
	return vty_sock.path != NULL;
}

void vty_sock_init(void)
{
	extern struct cmd_node vty_node; /* exported, in no public header */

	vty_node.func = write_line_vty;
	install_element(VTY_NODE, &vty_socket_cmd);
}

/* --- start and end */

int vty_sock_check(struct err *err)
{
	return unix_sock_check(&vty_sock, err);
}

int vty_sock_start(void *ctx, struct err *err)
{
	int fd;

	if (!vty_sock.path) {
		LOGP(DRT, LOGL_NOTICE, "no VTY: 'line vty' names no socket\n");
		return 0;
	}
	if (!vty_line_works())
		return err_set(err, -ENOTSUP, "line vty: libosmovty does not call us for a line: no VTY can be had");
	fd = unix_sock_listen(&vty_sock, 0600, UNIX_SOCK_NO_GROUP, VTY_CONNECTIONS_MAX, err);
	if (fd < 0)
		return fd;
	conns_ctx = ctx;
	keep_spare();
	osmo_fd_setup(&listener, fd, OSMO_FD_READ, on_vty_accept, NULL, 0);
	return osmo_fd_register(&listener);
}

void vty_sock_stop(void)
{
	struct vty_conn *c, *next;

	if (listener.fd < 0)
		return;
	llist_for_each_entry_safe(c, next, &conns, telnet.entry) vty_close(c->telnet.vty);
	osmo_timer_del(&retry);
	osmo_fd_unregister(&listener);
	close(listener.fd);
	close(spare_fd);
	listener.fd = spare_fd = -1;
	unix_sock_remove(&vty_sock);
}

const char *vty_sock_who(const struct vty *vty)
{
	return vty->priv ? ((const struct vty_conn *)vty->priv)->who : "nobody";
}
