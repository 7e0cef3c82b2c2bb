/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/vty_sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>
#include <osmocom/vty/buffer.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/telnet_interface.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/base/folder.h"
#include "common/rt/cfg_file.h"
#include "common/rt/log_cat.h"
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

static char *sock_path; /* as written */
static int sock_line;
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

static void turn_away(int fd, const char *why)
{
	LOGP(DRT, LOGL_NOTICE, "vty: connection refused: %s\n", why);
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
		return turn_away(fd, "only root and the daemon's own user are served here");
	if (llist_count(&conns) >= VTY_CONNECTIONS_MAX)
		return turn_away(fd, "too many VTY connections");
	c = talloc_zero(conns_ctx, struct vty_conn);
	if (!c)
		return turn_away(fd, "no memory");
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
		turn_away(fd, "no descriptor left");
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
	int rc;

	if (!cfg_reading())
		return cfg_after_restart(vty);
	if (strlen(argv[0]) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return cfg_fail(vty, "'%s' is too long for a socket; allowed: a path of up to %zu characters", argv[0],
				sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	rc = cfg_once(vty, &sock_line, "socket");
	if (rc == CMD_SUCCESS)
		sock_path = talloc_strdup(tall_vty_ctx, argv[0]);
	return rc;
}

static int write_line_vty(struct vty *vty)
{
	if (sock_path)
		vty_out(vty, "line vty%s socket %s%s", VTY_NEWLINE, sock_path, VTY_NEWLINE);
	return sock_path != NULL;
}

void vty_sock_init(void)
{
	extern struct cmd_node vty_node; /* exported, in no public header */

	vty_node.func = write_line_vty;
	install_element(VTY_NODE, &vty_socket_cmd);
}

/* --- start and end */

static int sock_address(struct sockaddr_un *out, struct err *err)
{
	char *path = cfg_path(NULL, sock_path);
	size_t len = strlen(path);
	int rc = 0;

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len < sizeof(out->sun_path))
		memcpy(out->sun_path, path, len);
	else
		rc = cfg_error(err, -ENAMETOOLONG, sock_line,
			       "line vty: socket %s is too long; allowed: up to %zu characters", path,
			       sizeof(out->sun_path) - 1);
	talloc_free(path);
	return rc;
}

static int cannot_listen(struct err *err, int rc, const char *path, const char *why)
{
	return cfg_error(err, rc, sock_line, "line vty: cannot listen on %s: %s; allowed: a socket in " FOLDER_OURS,
			 path, why);
}

/* Somebody answers there: a running daemon. A socket that nobody serves is what a killed one left. */
static bool sock_is_served(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served = fd >= 0 && (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return served;
}

static int sock_free(const struct sockaddr_un *sa, struct err *err)
{
	char folder[sizeof(sa->sun_path)], *slash;
	const char *why;
	struct stat st;

	if (lstat(sa->sun_path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return cannot_listen(err, -EEXIST, sa->sun_path, "that is no socket");
		if (sock_is_served(sa))
			return cannot_listen(err, -EADDRINUSE, sa->sun_path, "in use by another daemon");
	}
	strcpy(folder, sa->sun_path);
	slash = strrchr(folder, '/');
	slash[slash == folder] = '\0';
	why = folder_open_to(folder);
	if (why)
		return cannot_listen(err, -EPERM, sa->sun_path, why);
	return access(folder, W_OK | X_OK) == 0 ? 0 : cannot_listen(err, -errno, sa->sun_path, strerror(errno));
}

int vty_sock_check(struct err *err)
{
	struct sockaddr_un sa;
	int rc;

	if (!sock_path)
		return 0;
	rc = sock_address(&sa, err);
	return rc < 0 ? rc : sock_free(&sa, err);
}

static int sock_listen(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;
	mode_t before;

	if (fd < 0)
		return -errno;
	unlink(sa->sun_path);
	before = umask(0177);
	rc = bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ? -errno : 0;
	umask(before);
	if (rc == 0 && listen(fd, VTY_CONNECTIONS_MAX) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int vty_sock_start(void *ctx, struct err *err)
{
	struct sockaddr_un sa;
	int rc;

	if (!sock_path) {
		LOGP(DRT, LOGL_NOTICE, "no VTY: 'line vty' names no socket\n");
		return 0;
	}
	if (!vty_line_works())
		return err_set(err, -ENOTSUP, "line vty: libosmovty does not call us for a line: no VTY can be had");
	rc = sock_address(&sa, err);
	if (rc == 0)
		rc = sock_free(&sa, err);
	if (rc < 0)
		return rc;
	rc = sock_listen(&sa);
	if (rc < 0)
		return cannot_listen(err, rc, sa.sun_path, strerror(-rc));
	conns_ctx = ctx;
	keep_spare();
	osmo_fd_setup(&listener, rc, OSMO_FD_READ, on_vty_accept, NULL, 0);
	return osmo_fd_register(&listener);
}

void vty_sock_stop(void)
{
	struct vty_conn *c, *next;
	struct sockaddr_un sa;

	if (listener.fd < 0)
		return;
	llist_for_each_entry_safe(c, next, &conns, telnet.entry) vty_close(c->telnet.vty);
	osmo_timer_del(&retry);
	osmo_fd_unregister(&listener);
	close(listener.fd);
	close(spare_fd);
	listener.fd = spare_fd = -1;
	if (sock_address(&sa, NULL) == 0)
		unlink(sa.sun_path);
}

const char *vty_sock_who(const struct vty *vty)
{
	return vty->priv ? ((const struct vty_conn *)vty->priv)->who : "nobody";
}
