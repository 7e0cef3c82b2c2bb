/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bench/raw_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct dia_caps us = { .product = "bench", .vendor_id = 10415, .n_apps = 1, .n_ips = 1, .ip_len = { 6 } };
static bool has_cea, gone;

void raw_die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

void raw_init(const char *identity, const char *realm, uint32_t app)
{
	static const uint8_t loopback[6] = { 0, 1, 127, 0, 0, 1 };

	snprintf(us.host, sizeof(us.host), "%s", identity);
	snprintf(us.realm, sizeof(us.realm), "%s", realm);
	us.apps[0] = app;
	memcpy(us.ip[0], loopback, sizeof(loopback));
}

static struct sockaddr_in here(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int raw_listen(uint16_t port)
{
	struct sockaddr_in sa = here(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 1024))
		raw_die("listen");
	return fd;
}

static struct raw_link *link_new(int fd)
{
	struct raw_link *l = calloc(1, sizeof(*l));
	int one = 1;

	if (!l || fd < 0)
		raw_die("connection");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	l->fd = fd;
	return l;
}

struct raw_link *raw_accept(int listener)
{
	return link_new(accept(listener, NULL, NULL));
}

struct raw_link *raw_connect(uint16_t port, const char *identity)
{
	struct raw_link *l = link_new(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in sa = here(port);
	struct dia_caps caps = us;
	struct writer w;

	snprintf(l->identity, sizeof(l->identity), "%s", identity ? identity : us.host);
	memcpy(caps.host, l->identity, sizeof(caps.host));
	if (connect(l->fd, (struct sockaddr *)&sa, sizeof(sa)))
		raw_die("connect");
	raw_room(l, &w);
	raw_wrote(l, dia_base_cer_put(&w, &caps, 1, 1));
	raw_flush(l);
	for (has_cea = false; !has_cea;)
		if (!raw_read(l, NULL))
			raw_die("closed before its CEA");
	return l;
}

void raw_close(struct raw_link *l)
{
	struct writer w;

	raw_room(l, &w);
	raw_wrote(l, dia_base_word_put(&w, &dia_base_dpr, &us, DIA_DO_NOT_WANT, 2, 2));
	raw_flush(l);
	for (gone = false; !gone;)
		if (!raw_read(l, NULL))
			return;
	close(l->fd);
	free(l);
}

static void take_cea(struct span msg)
{
	struct dia_caps caps;
	uint32_t code = 0;

	if (dia_base_cea_get(&caps, &code, msg) || code != 2001)
		raw_die("its CEA refuses us");
	has_cea = true;
}

static void base_message(struct raw_link *l, struct span msg, const struct dia_hdr *hdr)
{
	struct writer w;

	if (!(hdr->flags & DIA_CMD_R)) {
		if (hdr->command == DIA_CMD_CAPABILITIES)
			take_cea(msg);
		gone |= hdr->command == DIA_CMD_DISCONNECT;
		return;
	}
	raw_room(l, &w);
	raw_wrote(l, hdr->command == DIA_CMD_CAPABILITIES ? dia_base_cea_put(&w, msg, &us, NULL, NULL)
							  : dia_base_reply_put(&w, msg, &us, NULL));
}

bool raw_read(struct raw_link *l, void (*fn)(struct raw_link *l, struct span msg))
{
	ssize_t n = recv(l->fd, l->in + l->in_len, sizeof(l->in) - l->in_len, 0);
	size_t at = 0;

	if (n <= 0) {
		close(l->fd);
		free(l);
		return false;
	}
	l->in_len += (size_t)n;
	for (;;) {
		struct dia_hdr hdr;

		if (l->in_len - at < DIA_HDR_LEN)
			break;
		dia_wire_hdr(&hdr, l->in + at);
		if (hdr.len < DIA_HDR_LEN || hdr.len > sizeof(l->in))
			raw_die("no Diameter");
		if (l->in_len - at < hdr.len)
			break;
		if (hdr.app == DIA_APP_BASE)
			base_message(l, span_of(l->in + at, hdr.len), &hdr);
		else if (fn)
			fn(l, span_of(l->in + at, hdr.len));
		at += hdr.len;
	}
	memmove(l->in, l->in + at, l->in_len - at);
	l->in_len -= at;
	raw_flush(l);
	return true;
}

void raw_room(struct raw_link *l, struct writer *w)
{
	if (l->out_len > sizeof(l->out) / 2)
		raw_flush(l);
	writer_init(w, l->out + l->out_len, sizeof(l->out) - l->out_len);
}

void raw_wrote(struct raw_link *l, int len)
{
	if (len < 0)
		raw_die("message too long");
	l->out_len += (size_t)len;
}

void raw_flush(struct raw_link *l)
{
	for (size_t at = 0; at < l->out_len;) {
		ssize_t n = send(l->fd, l->out + at, l->out_len - at, MSG_NOSIGNAL);

		if (n < 0)
			break; /* the next read tells that it is closed */
		at += (size_t)n;
	}
	l->out_len = 0;
}

void raw_watch(int epoll, int fd, void *what)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = what };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev))
		raw_die("epoll");
}

int raw_wait(int epoll, void **out, int max)
{
	struct epoll_event ev[64];
	int n;

	do
		n = epoll_wait(epoll, ev, max < 64 ? max : 64, -1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		raw_die("epoll");
	for (int i = 0; i < n; i++)
		out[i] = ev[i].data.ptr;
	return n;
}

double raw_now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double raw_cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}
