/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_way.h"

#include <errno.h>
#include <sys/socket.h>

static ssize_t tcp_read(struct dia_way *w, int fd, uint8_t *to, size_t room, bool *more)
{
	ssize_t n = recv(fd, to, room, 0);

	*more = n == (ssize_t)room || (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

static ssize_t tcp_write(struct dia_way *w, int fd, const uint8_t *from, size_t len)
{
	ssize_t n = send(fd, from, len, MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static void tcp_shut(struct dia_way *w, int fd)
{
	shutdown(fd, SHUT_WR);
}

static void tcp_free(struct dia_way *w)
{
}

static const struct dia_way_ops tcp_ops = {
	.read = tcp_read,
	.write = tcp_write,
	.shut = tcp_shut,
	.free = tcp_free,
};

struct dia_way dia_way_tcp = { &tcp_ops };
