/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_link.c
 *  One connection to a Redis server. */
#include "bsf/store/redis_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <hiredis/hiredis.h>
#include <netinet/tcp.h>
#include <osmocom/core/select.h>

#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/dia/dia_cert.h"
#include "common/dia/dia_tls.h"
#include "common/dia/dia_way.h"

#define GREET_MS   2000 /* from connect() until it is up */
#define AGAIN_MS   20   /* a lost link is made again at once */
#define BREAKER    3    /* but after so many that were late or not to be had nothing waits for it, and it is tried */
#define BREAKER_MS 1000 /* once a second, until its greeting is answered whole */
#define READ_MAX   65536

struct redis_wait {
	redis_reply_fn *fn;
	void *owner;
	uint64_t sent_ms;
};

struct redis_link {
	struct redis_link_cfg cfg;
	enum { LINK_DOWN, LINK_CONNECTING, LINK_BEGINNING, LINK_GREETING, LINK_UP } state;
	struct osmo_fd fd;
	struct dia_way *way;
	redisReader *reader;
	uint8_t *out;
	size_t out_len, out_room;
	struct redis_wait *ring; /* REDIS_LINK_CALLS places */
	unsigned first, waiting;
	uint64_t heard_ms, greet_until_ms;
	unsigned late; /* in a row */
	struct deadline timer;
	bool turning; /* within on_fd(): what is to be closed is closed at its end */
	bool refused;
	bool hope;                /* it was up, and the breaker has not opened since */
	char why[REDIS_LINK_WHY]; /* not "": to be closed, for this */
};

static void link_connect(void *link);
static void link_watch(void *link);

static void link_close(struct redis_link *l)
{
	if (l->way)
		l->way->ops->free(l->way);
	l->way = NULL;
	redisReaderFree(l->reader);
	l->reader = NULL;
	close(l->fd.fd);
}

/* \param[in] r of the call that waits longest; NULL: there will be none */
static void link_answer(struct redis_link *l, redisReply *r)
{
	struct redis_wait w = l->ring[l->first];

	l->first = (l->first + 1) % REDIS_LINK_CALLS;
	l->waiting--;
	if (w.fn)
		w.fn(w.owner, r);
}

/* The connection goes, whatever state it is in; everybody who waits is told. */
static void link_drop(struct redis_link *l)
{
	if (l->state != LINK_DOWN) {
		osmo_fd_unregister(&l->fd);
		link_close(l);
	}
	l->state = LINK_DOWN;
	deadline_stop(&l->timer);
	if (l->out)
		explicit_bzero(l->out, l->out_room);
	l->out_len = 0;
	while (l->waiting)
		link_answer(l, NULL);
}

static void link_start(struct redis_link *l, unsigned in_ms)
{
	if (l->cfg.addr.ss_family != AF_UNSPEC)
		deadline_start(l->cfg.deadlines, &l->timer, in_ms, link_connect, l);
}

/* \param[in] l->why says why */
static void link_lose(struct redis_link *l)
{
	char why[REDIS_LINK_WHY];
	unsigned in_ms;

	memcpy(why, l->why, sizeof(why));
	l->why[0] = '\0';
	link_drop(l);
	l->cfg.ops->state(l->cfg.owner, false, why);
	in_ms = l->refused || l->late >= BREAKER ? BREAKER_MS : AGAIN_MS;
	l->refused = false;
	link_start(l, in_ms);
}

void redis_link_missed(struct redis_link *l)
{
	if (++l->late >= BREAKER)
		l->hope = false;
}

/* Remember to close it: at the end of the turn, or now. */
static void link_fail(struct redis_link *l, const char *why)
{
	if (!l->why[0]) {
		if (l->state != LINK_UP)
			redis_link_missed(l); /* one that cannot be had is no better than one that is late */
		snprintf(l->why, sizeof(l->why), "%s", why);
	}
	if (!l->turning)
		link_lose(l);
}

void redis_link_refuse(struct redis_link *l, const char *why)
{
	l->refused = true;
	l->hope = false;
	link_fail(l, why);
}

/* Nothing has come for too long. */
static void link_late(struct redis_link *l, const char *why)
{
	if (l->state == LINK_UP)
		redis_link_missed(l);
	link_fail(l, why);
}

static uint64_t link_due_ms(const struct redis_link *l)
{
	uint64_t from = l->ring[l->first].sent_ms;

	if (l->state != LINK_UP)
		return l->greet_until_ms;
	return (from > l->heard_ms ? from : l->heard_ms) + l->cfg.timeout_ms;
}

/* We may be late ourselves: what has come is read before anything is given up for it. */
static bool link_unread(const struct redis_link *l)
{
	struct pollfd p = { .fd = l->fd.fd, .events = POLLIN };

	return l->state == LINK_UP && poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

/* The one timer while a connection is there: for the oldest call, or for the whole of the greeting. */
static void link_watch(void *link)
{
	struct redis_link *l = link;
	uint64_t now = clock_mono_ms(), due;

	if (l->state == LINK_UP && !l->waiting)
		return;
	due = link_due_ms(l);
	if (due <= now && link_unread(l))
		deadline_start(l->cfg.deadlines, &l->timer, 1, link_watch, l);
	else if (due <= now)
		link_late(l, l->state == LINK_CONNECTING ? "no connection in time" : "no answer in time");
	else
		deadline_start(l->cfg.deadlines, &l->timer, due - now, link_watch, l);
}

static void link_wait(struct redis_link *l, redis_reply_fn *fn, void *owner)
{
	l->ring[(l->first + l->waiting++) % REDIS_LINK_CALLS] = (struct redis_wait){ fn, owner, clock_mono_ms() };
	if (!l->timer.set)
		link_watch(l);
}

static bool link_room(struct redis_link *l, size_t len)
{
	size_t room = l->out_room ? l->out_room : 4096;
	uint8_t *more;

	while (room < l->out_len + len)
		room *= 2;
	if (room == l->out_room)
		return true;
	more = malloc(room);
	if (!more)
		return false;
	if (l->out) {
		memcpy(more, l->out, l->out_len);
		explicit_bzero(l->out, l->out_len);
	}
	free(l->out);
	l->out = more;
	l->out_room = room;
	return true;
}

/* Sent at the end of the turn, with what else there is. */
static int link_send(struct redis_link *l, size_t argc, const struct span *argv)
{
	const char *arg[REDIS_LINK_ARGS];
	size_t len[REDIS_LINK_ARGS];
	char *text;
	int n;

	for (size_t i = 0; i < argc; i++) {
		arg[i] = (const char *)argv[i].p;
		len[i] = argv[i].len;
	}
	n = (int)redisFormatCommandArgv(&text, (int)argc, arg, len);
	if (n < 0)
		return -ENOMEM;
	if (!link_room(l, (size_t)n)) {
		redisFreeCommand(text);
		return -ENOMEM;
	}
	memcpy(l->out + l->out_len, text, (size_t)n);
	l->out_len += (size_t)n;
	explicit_bzero(text, (size_t)n);
	redisFreeCommand(text);
	osmo_fd_write_enable(&l->fd);
	return 0;
}

int redis_link_greet(struct redis_link *l, size_t argc, const struct span *argv, redis_reply_fn *fn, void *owner)
{
	int rc;

	if (l->state < LINK_GREETING || l->why[0])
		return -ENOTCONN;
	if (l->waiting >= REDIS_LINK_CALLS || l->out_len > REDIS_LINK_OCTETS || argc > REDIS_LINK_ARGS)
		return -EBUSY;
	rc = link_send(l, argc, argv);
	if (rc == 0)
		link_wait(l, fn, owner);
	return rc;
}

int redis_link_call(struct redis_link *l, size_t argc, const struct span *argv, redis_reply_fn *fn, void *owner)
{
	return l->state == LINK_UP ? redis_link_greet(l, argc, argv, fn, owner) : -ENOTCONN;
}

void redis_link_up(struct redis_link *l)
{
	if (l->why[0])
		return;
	l->state = LINK_UP;
	l->hope = true;
	deadline_stop(&l->timer);
	if (l->waiting)
		link_watch(l);
	l->cfg.ops->state(l->cfg.owner, true, "");
}

bool redis_link_soon(const struct redis_link *l)
{
	return l->state != LINK_UP && l->hope;
}

static void link_reply(struct redis_link *l, redisReply *r)
{
	if (!l->waiting) {
		redis_link_refuse(l, r->type == REDIS_REPLY_ERROR ? r->str : "a reply nobody asked for");
		return;
	}
	if (l->state == LINK_UP)
		l->late = 0;
	link_answer(l, r);
	/* it was a master when we met it */
	if (r->type == REDIS_REPLY_ERROR && strncmp(r->str, "READONLY", 8) == 0)
		link_fail(l, r->str);
}

static void link_replies(struct redis_link *l)
{
	void *r;

	while (!l->why[0]) {
		if (redisReaderGetReply(l->reader, &r) != REDIS_OK) {
			link_fail(l, l->reader->errstr);
			return;
		}
		if (!r)
			break;
		link_reply(l, r);
		freeReplyObject(r);
	}
	if (l->reader->len > REDIS_LINK_READ)
		link_fail(l, "a reply that is too long");
}

static const char *link_why(const struct redis_link *l, ssize_t rc)
{
	if (rc == DIA_WAY_FAILED)
		return l->way->ops->why(l->way);
	return rc == 0 ? "the server has closed it" : strerror((int)-rc);
}

static void link_read(struct redis_link *l)
{
	uint8_t buf[READ_MAX];
	bool more = true;

	while (more && !l->why[0]) {
		ssize_t n = l->way->ops->read(l->way, l->fd.fd, buf, sizeof(buf), &more);

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			link_fail(l, link_why(l, n));
			return;
		}
		l->heard_ms = clock_mono_ms();
		if (redisReaderFeed(l->reader, (const char *)buf, (size_t)n) != REDIS_OK)
			link_fail(l, l->reader->errstr);
		else
			link_replies(l);
	}
}

static void link_write(struct redis_link *l)
{
	ssize_t n = l->out_len ? l->way->ops->write(l->way, l->fd.fd, l->out, l->out_len) : 0;

	if (n < 0) {
		link_fail(l, link_why(l, n));
		return;
	}
	memmove(l->out, l->out + n, l->out_len - (size_t)n);
	l->out_len -= (size_t)n;
	if (!l->out_len)
		osmo_fd_write_disable(&l->fd);
}

/* What the way needs before the first octet. */
static void link_begin(struct redis_link *l)
{
	int rc = l->way->ops->begin ? l->way->ops->begin(l->way, l->fd.fd) : 0;

	if (rc == -EAGAIN)
		return;
	if (rc != 0) {
		link_fail(l, rc < 0 ? link_why(l, rc) : strerror(EPROTO));
		return;
	}
	l->state = LINK_GREETING;
	l->cfg.ops->greet(l->cfg.owner);
}

static void link_connected(struct redis_link *l)
{
	socklen_t len = sizeof(int);
	int rc = 0;

	getsockopt(l->fd.fd, SOL_SOCKET, SO_ERROR, &rc, &len);
	if (rc) {
		link_fail(l, strerror(rc));
		return;
	}
	l->state = LINK_BEGINNING;
	osmo_fd_write_disable(&l->fd);
	osmo_fd_read_enable(&l->fd);
	link_begin(l);
}

static int link_on_fd(struct osmo_fd *fd, unsigned int what)
{
	struct redis_link *l = fd->data;

	l->turning = true;
	if (l->state == LINK_CONNECTING)
		link_connected(l);
	else if (l->state == LINK_BEGINNING)
		link_begin(l);
	else if ((what & OSMO_FD_READ) || l->way->ops->any_event_reads)
		link_read(l);
	if ((what & OSMO_FD_WRITE) && l->state >= LINK_GREETING && !l->why[0])
		link_write(l);
	l->turning = false;
	if (l->why[0])
		link_lose(l);
	return 0;
}

static struct dia_way *way_new(struct redis_link *l)
{
	struct dia_way *w = l->cfg.tls ? dia_tls_new(l->cfg.tls, true, NULL, &l->cfg.addr) : &dia_way_tcp;

	if (w && l->cfg.tls && !dia_cert_expect(dia_tls_ssl(w), &l->cfg.tls_name, 1, false)) {
		w->ops->free(w);
		return NULL;
	}
	return w;
}

static void link_connect(void *link)
{
	struct redis_link *l = link;
	int one = 1, fd = socket(l->cfg.addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		link_fail(l, strerror(errno));
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	l->reader = redisReaderCreate();
	osmo_fd_setup(&l->fd, fd, OSMO_FD_WRITE, link_on_fd, l, 0);
	l->way = way_new(l);
	if (!l->reader || !l->way || osmo_fd_register(&l->fd) < 0) {
		link_close(l);
		link_fail(l, "no memory");
		return;
	}
	l->state = LINK_CONNECTING;
	l->heard_ms = clock_mono_ms();
	l->greet_until_ms = l->heard_ms + GREET_MS;
	deadline_start(l->cfg.deadlines, &l->timer, GREET_MS, link_watch, l);
	if (connect(fd, (struct sockaddr *)&l->cfg.addr, sockaddr_len(&l->cfg.addr)) < 0 && errno != EINPROGRESS)
		link_fail(l, strerror(errno));
}

struct redis_link *redis_link_new(const struct redis_link_cfg *cfg)
{
	struct redis_link *l = calloc(1, sizeof(*l));

	if (l)
		l->ring = calloc(REDIS_LINK_CALLS, sizeof(*l->ring));
	if (!l || !l->ring) {
		free(l);
		return NULL;
	}
	l->cfg = *cfg;
	link_start(l, 0);
	return l;
}

void redis_link_aim(struct redis_link *l, const struct sockaddr_storage *addr, const char *why)
{
	l->refused = false;
	l->late = 0;
	link_drop(l);
	l->cfg.addr = addr ? *addr : (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
	l->hope = l->hope && addr;
	l->cfg.ops->state(l->cfg.owner, false, why);
	link_start(l, 0);
}

void redis_link_free(struct redis_link *l)
{
	if (!l)
		return;
	link_drop(l);
	deadline_stop(&l->timer);
	free(l->out);
	free(l->ring);
	free(l);
}
