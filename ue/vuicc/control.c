/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/vuicc/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int address(struct sockaddr_un *a, const char *path, struct err *err)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(a->sun_path))
		return err_set(err, -ENAMETOOLONG, "%s: a socket's path has at most %zu characters", path,
			       sizeof(a->sun_path) - 1);
	strcpy(a->sun_path, path);
	return 0;
}

static int reach(const char *path, struct err *err)
{
	struct sockaddr_un a;
	int rc = address(&a, path, err), fd;

	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		rc = err_set(err, -errno, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	return fd;
}

int control_open(struct control *c, const char *path, struct err *err)
{
	struct sockaddr_un a;
	struct stat st;
	mode_t mask;
	int rc = address(&a, path, err), fd;

	if (rc < 0)
		return rc;
	fd = reach(path, NULL);
	if (fd >= 0) {
		close(fd);
		return err_set(err, -EADDRINUSE, "%s: another gba-vuicc listens there", path);
	}
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	mask = umask(0177);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 8) < 0)
		rc = err_set(err, -errno, "%s: %s", path, strerror(errno));
	umask(mask);
	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*c = CONTROL_NONE;
	c->listen_fd = fd;
	strcpy(c->path, path);
	return 0;
}

static void hang_up(struct control *c)
{
	if (c->client_fd >= 0)
		close(c->client_fd);
	c->client_fd = -1;
	c->have = 0;
}

void control_close(struct control *c)
{
	hang_up(c);
	if (c->listen_fd < 0)
		return;
	close(c->listen_fd);
	unlink(c->path);
	c->listen_fd = -1;
}

int control_fd(const struct control *c)
{
	return c->client_fd >= 0 ? c->client_fd : c->listen_fd;
}

void control_serve(struct control *c, const char *(*run)(const char *word))
{
	const char *answer;
	char *end;
	ssize_t n;

	if (c->client_fd < 0) {
		c->client_fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		return;
	}
	n = read(c->client_fd, c->line + c->have, sizeof(c->line) - 1 - c->have);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		c->have += (size_t)n;
		c->line[c->have] = '\0';
		end = strchr(c->line, '\n');
		if (!end && c->have < sizeof(c->line) - 1)
			return;
		if (end) {
			*end = '\0';
			answer = run(c->line);
			n = send(c->client_fd, answer, strlen(answer), MSG_NOSIGNAL);
		}
	}
	hang_up(c);
}

int control_ask(const char *path, const char *word, char *text, size_t cap, struct err *err)
{
	int fd = reach(path, err);
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (dprintf(fd, "%s\n", word) < 0)
		n = -1;
	else
		while ((n = read(fd, text + have, cap - 1 - have)) > 0)
			have += (size_t)n;
	close(fd);
	text[have] = '\0';
	return n < 0 || !have ? err_set(err, -EIO, "%s: no answer", path) : 0;
}
