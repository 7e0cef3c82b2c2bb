/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/ctl_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int ctl_client_open(struct ctl_client *c, const char *path, unsigned timeout_s, struct err *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = timeout_s };
	int fd, rc;

	*c = (struct ctl_client){ .fd = -1 };
	if (strlen(path) >= sizeof(sa.sun_path))
		return err_set(err, -ENAMETOOLONG, "%s: too long for a socket", path);
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "no socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0) {
		c->fd = fd;
		return 0;
	}
	rc = -errno;
	close(fd);
	return err_set(err, rc, "%s: %s", path, strerror(-rc));
}

void ctl_client_close(struct ctl_client *c)
{
	if (c->fd > 0)
		close(c->fd);
	c->fd = -1;
}

static int lost(struct err *err, int no)
{
	return err_set(err, -no, "%s",
		       no == EAGAIN ? "no answer in time"
		       : no         ? strerror(no)
				    : "the connection was closed");
}

/* \returns false: it is not all out; what was answered may still be read */
static bool send_all(int fd, struct span s)
{
	while (s.len) {
		ssize_t n = send(fd, s.p, s.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s = span_of(s.p + n, s.len - (size_t)n);
	}
	return true;
}

/* \returns 0 and a line without its end, malloc'ed; -errno */
static int answer_line(int fd, char **out, struct err *err)
{
	size_t cap = 4096, len = 0;
	char *line = malloc(cap), *more;

	while (line) {
		ssize_t n = recv(fd, line + len, cap - len - 1, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			free(line);
			return lost(err, n < 0 ? errno : ECONNRESET);
		}
		len += (size_t)n;
		line[len] = '\0';
		if (line[len - 1] == '\n') {
			line[len - 1] = '\0';
			*out = line;
			return 0;
		}
		if (cap - len > 1)
			continue;
		cap *= 2;
		more = cap <= CTL_CLIENT_ANSWER_MAX ? realloc(line, cap) : NULL;
		if (!more)
			break;
		line = more;
	}
	free(line);
	return lost(err, ENOMEM);
}

/* "NUMBER ok ..." or "NUMBER error ..." of this request; or "0 error", of one that could not be read, or may not be served. */
static int judge(const struct ctl_client *c, char *line, char **answer, struct err *err)
{
	char *end, *word;
	uint64_t number = strtoull(line, &end, 10);

	word = *end == ' ' ? end + 1 : "";
	if (strncmp(word, "error ", 6) == 0 && (number == c->number || number == 0))
		*answer = strdup(word + 6);
	else if (strncmp(word, "ok ", 3) == 0 && number == c->number)
		*answer = strdup(word + 3);
	else
		return err_set(err, -EPROTO, "that is no answer to it");
	return *answer ? *word == 'e' : lost(err, ENOMEM);
}

int ctl_client_ask(struct ctl_client *c, const char *command, struct span document, char **answer, struct err *err)
{
	char *request = NULL, *line = NULL;
	int n, rc;

	c->number++;
	n = document.p ? asprintf(&request, "%" PRIu64 " %s +%zu\n", c->number, command, document.len)
		       : asprintf(&request, "%" PRIu64 " %s\n", c->number, command);
	if (n < 0)
		return lost(err, ENOMEM);
	if (send_all(c->fd, span_of(request, (size_t)n)) && document.len)
		send_all(c->fd, document);
	free(request);
	rc = answer_line(c->fd, &line, err);
	if (rc == 0)
		rc = judge(c, line, answer, err);
	free(line);
	return rc;
}
