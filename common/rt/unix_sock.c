/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/unix_sock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/base/folder.h"
#include "common/rt/cfg_file.h"

#define PATH_CAP sizeof(((struct sockaddr_un *)0)->sun_path)

int unix_sock_configure(struct unix_sock *s, struct vty *vty, const char *path)
{
	int rc;

	if (!cfg_reading())
		return cfg_after_restart(vty);
	if (strlen(path) >= PATH_CAP)
		return cfg_fail(vty, "'%s' is too long for a socket; allowed: a path of up to %zu characters", path,
				PATH_CAP - 1);
	rc = cfg_once(vty, &s->line, "socket");
	if (rc == CMD_SUCCESS)
		s->path = talloc_strdup(tall_vty_ctx, path);
	return rc;
}

static int sock_address(struct sockaddr_un *out, const struct unix_sock *s, struct err *err)
{
	char *path = cfg_path(NULL, s->path);
	size_t len = strlen(path);
	int rc = 0;

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len < sizeof(out->sun_path))
		memcpy(out->sun_path, path, len);
	else
		rc = cfg_error(err, -ENAMETOOLONG, s->line, "%s: socket %s is too long; allowed: up to %zu characters",
			       s->node, path, sizeof(out->sun_path) - 1);
	talloc_free(path);
	return rc;
}

static int cannot_listen(const struct unix_sock *s, struct err *err, int rc, const char *path, const char *why)
{
	return cfg_error(err, rc, s->line, "%s: cannot listen on %s: %s; allowed: a socket in " FOLDER_OURS, s->node,
			 path, why);
}

/* Somebody answers there: a running daemon. A socket that nobody serves is what a killed one left. */
static bool is_served(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool served = fd >= 0 && (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return served;
}

static int is_free(const struct unix_sock *s, const struct sockaddr_un *sa, struct err *err)
{
	char folder[sizeof(sa->sun_path)], *slash;
	const char *why;
	struct stat st;

	if (lstat(sa->sun_path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return cannot_listen(s, err, -EEXIST, sa->sun_path, "that is no socket");
		if (is_served(sa))
			return cannot_listen(s, err, -EADDRINUSE, sa->sun_path, "in use by another daemon");
	}
	strcpy(folder, sa->sun_path);
	slash = strrchr(folder, '/');
	slash[slash == folder] = '\0';
	why = folder_open_to(folder);
	if (why)
		return cannot_listen(s, err, -EPERM, sa->sun_path, why);
	return access(folder, W_OK | X_OK) == 0 ? 0 : cannot_listen(s, err, -errno, sa->sun_path, strerror(errno));
}

int unix_sock_check(const struct unix_sock *s, struct err *err)
{
	struct sockaddr_un sa;
	int rc;

	if (!s->path)
		return 0;
	rc = sock_address(&sa, s, err);
	return rc < 0 ? rc : is_free(s, &sa, err);
}

static int make(const struct sockaddr_un *sa, mode_t mode, gid_t group, int backlog)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;
	mode_t before;

	if (fd < 0)
		return -errno;
	unlink(sa->sun_path);
	before = umask(0777 & ~mode);
	rc = bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ? -errno : 0;
	umask(before);
	if (rc == 0 && group != UNIX_SOCK_NO_GROUP && chown(sa->sun_path, (uid_t)-1, group) < 0)
		rc = -errno;
	if (rc == 0 && listen(fd, backlog) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int unix_sock_listen(const struct unix_sock *s, mode_t mode, gid_t group, int backlog, struct err *err)
{
	struct sockaddr_un sa;
	int rc = sock_address(&sa, s, err);

	if (rc == 0)
		rc = is_free(s, &sa, err);
	if (rc < 0)
		return rc;
	rc = make(&sa, mode, group, backlog);
	return rc < 0 ? cannot_listen(s, err, rc, sa.sun_path, strerror(-rc)) : rc;
}

void unix_sock_remove(const struct unix_sock *s)
{
	struct sockaddr_un sa;

	if (s->path && sock_address(&sa, s, NULL) == 0)
		unlink(sa.sun_path);
}
