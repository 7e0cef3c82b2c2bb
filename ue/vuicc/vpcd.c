/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/vuicc/vpcd.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static const int yes = 1;

int vpcd_connect(struct vpcd *v, const char *host, const char *port, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *all, *a;
	int rc = getaddrinfo(host, port, &hints, &all);

	v->fd = -1;
	v->have = 0;
	if (rc)
		return err_set(err, -EHOSTUNREACH, "%s:%s: %s", host, port, gai_strerror(rc));
	rc = -EHOSTUNREACH;
	for (a = all; a && v->fd < 0; a = a->ai_next) {
		v->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (v->fd >= 0 && connect(v->fd, a->ai_addr, a->ai_addrlen) < 0) {
			rc = -errno;
			vpcd_close(v);
		}
	}
	freeaddrinfo(all);
	if (v->fd < 0)
		return err_set(err, rc, "%s:%s: %s", host, port, strerror(-rc));
	setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return 0;
}

void vpcd_close(struct vpcd *v)
{
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
	v->have = 0;
}

int vpcd_read(struct vpcd *v)
{
	ssize_t n;

	/* vpcd writes length and octets apart: without this its second write waits for our delayed acknowledgement, 40 ms */
	setsockopt(v->fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof(yes));
	n = recv(v->fd, v->in + v->have, sizeof(v->in) - v->have, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -ENOTCONN;
	v->have += (size_t)n;
	setsockopt(v->fd, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof(yes));
	return 0;
}

/* Whole messages are taken from the front; what vpcd_next() lent is behind them until the next call. */
enum vpcd_kind vpcd_next(struct vpcd *v, struct span *command)
{
	static const enum vpcd_kind kinds[] = { VPCD_OFF, VPCD_ON, VPCD_RESET, VPCD_NOTHING, VPCD_ATR };
	static uint8_t message[VPCD_MESSAGE_MAX];
	size_t len;

	for (;;) {
		if (v->have < 2 || v->have < 2u + be16_get(v->in))
			return VPCD_NOTHING;
		len = be16_get(v->in);
		memcpy(message, v->in + 2, len);
		v->have -= 2 + len;
		memmove(v->in, v->in + 2 + len, v->have);
		if (len > 1) {
			*command = span_of(message, len);
			return VPCD_COMMAND;
		}
		if (len == 1 && message[0] < sizeof(kinds) / sizeof(kinds[0]) && kinds[message[0]] != VPCD_NOTHING)
			return kinds[message[0]];
	}
}

int vpcd_send(struct vpcd *v, const uint8_t *p, size_t len)
{
	uint8_t out[2 + 512];

	if (len > sizeof(out) - 2)
		return -EMSGSIZE;
	be16_put(out, (uint16_t)len);
	memcpy(out + 2, p, len);
	for (size_t at = 0; at < len + 2;) {
		ssize_t n = send(v->fd, out + at, len + 2 - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ENOTCONN;
		at += (size_t)n;
	}
	return 0;
}
