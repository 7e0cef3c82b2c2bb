/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Listeners, and who has not said its name yet: so many in all and of one address, the oldest goes first. Without a
 * descriptor left a spare one takes the connection and closes it: nobody waits, nothing spins. */
#include <errno.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include "common/base/owner_of.h"
#include "common/base/spare_fd.h"
#include "common/dia/dia_hub_in.h"

#define BACKLOG          1024
#define ACCEPT_AT_A_TURN 64
#define UNNAMED_MS       10000
#define AGAIN_MS         100

static void set_options(int fd)
{
	const int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

int dia_listen_connect(const struct sockaddr_storage *to, int *rc)
{
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*rc = 0;
	if (fd < 0)
		return -1;
	set_options(fd);
	if (connect(fd, (const struct sockaddr *)to, sockaddr_len(to)) < 0 && errno != EINPROGRESS)
		*rc = -errno;
	return fd;
}

static struct dia_conn *oldest_of(const struct dia_hub *h, unsigned host, const struct dia_conn *but)
{
	for (struct dia_conn *c = h->unnamed.first; c; c = c->next)
		if (c->host == host && c != but)
			return c;
	return NULL;
}

static void give_one(struct dia_conn *c)
{
	dia_conn_end(c, true, "too many without CER");
}

/* One more is there: one address may have half the room, the other half is for the rest. */
static void listen_room(struct dia_hub *h, const struct dia_conn *newest)
{
	struct dia_conn *here = h->unnamed.first;

	if (dia_door_over_of(h->door, newest->host))
		here = oldest_of(h, newest->host, newest);
	else if (!dia_door_over(h->door))
		return;
	else if (here == newest || !dia_door_fullest(h->door, h->place))
		here = NULL;
	if (here)
		give_one(here);
	else
		dia_door_ask(h->door, h->place);
}

/* Who is the fullest may be another one with each that goes: then it is asked. */
void dia_listen_give(void *owner)
{
	struct dia_hub *h = owner;
	struct dia_conn *c, *next;

	for (c = h->unnamed.first; c; c = next) {
		next = c->next;
		if (dia_door_over_of(h->door, c->host))
			give_one(c);
	}
	while (h->unnamed.first && dia_door_over(h->door) && dia_door_fullest(h->door, h->place))
		give_one(h->unnamed.first);
	if (dia_door_over(h->door))
		dia_door_ask(h->door, h->place);
}

struct dia_conn *dia_listen_named(struct dia_hub *h, int fd, const struct sockaddr_storage *from)
{
	struct dia_conn *c = dia_conn_new(h, fd, false, from);

	if (!c)
		return NULL;
	dia_loop_timer(h->loop, &c->timer, UNNAMED_MS);
	listen_room(h, c);
	return c;
}

static bool is_stranger(struct dia_hub *h, const struct sockaddr_storage *from)
{
	const struct dia_hub_callbacks *cb = &h->cfg.cb;
	char text[SOCKADDR_TEXT];

	if (!cb->comes_from || cb->comes_from(cb->owner, (const struct sockaddr *)from))
		return false;
	sockaddr_host_text(text, from);
	dia_hub_tell(h, DIA_HUB_STRANGER, text, "nobody may come from this address");
	return true;
}

static void accepted(const struct dia_listener *l, int fd, struct sockaddr_storage *from)
{
	struct dia_conn *c;

	sockaddr_unmap(from);
	if (is_stranger(l->hub, from)) {
		close(fd);
		return;
	}
	set_options(fd);
	c = dia_listen_named(l->hub, fd, from);
	if (!c)
		close(fd);
	else if (l->tls)
		dia_secure_begin(c);
}

/* The oldest without a name frees a descriptor; the connection that waits is closed.
 * \returns 0; -EMFILE: none waits (with no descriptor left accept() does not get as far as that), or there is one again */
static int without_descriptor(struct dia_hub *h, int listener)
{
	int rc = spare_fd_refuse(listener, &h->spare_fd);

	if (rc == 0)
		return -EMFILE;
	if (h->unnamed.first)
		dia_conn_end(h->unnamed.first, true, "no descriptor left");
	return rc < 0 ? rc : 0;
}

/* \returns 0; -EAGAIN: none waits; -errno */
static int accept_one(const struct dia_listener *l)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd = accept4(l->f.fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE ? without_descriptor(l->hub, l->f.fd) : -errno;
	accepted(l, fd, &from);
	return 0;
}

static bool is_shortage(int rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -ENOBUFS || rc == -ENOMEM;
}

static bool listen_on_ready(struct dia_fd *f, uint32_t events, unsigned *budget)
{
	struct dia_hub *h = ((struct dia_listener *)f)->hub;
	int rc = 0;

	for (unsigned n = 0; n < ACCEPT_AT_A_TURN && !is_shortage(rc); n++) {
		rc = accept_one((struct dia_listener *)f);
		if (rc == -EAGAIN)
			return false;
	}
	if (!h->accept_again
		     .running) /* others come first, and what lacks does not come by asking for it all the time */
		dia_loop_timer(h->loop, &h->accept_again, is_shortage(rc) ? AGAIN_MS : 0);
	return false;
}

static void on_accept_again(struct dia_timer *t)
{
	struct dia_hub *h = owner_of(t, struct dia_hub, accept_again);

	for (size_t i = 0; i < h->n_listening; i++)
		dia_loop_again(h->loop, &h->listeners[i].f);
}

static int open_one(const struct sockaddr_storage *sa, bool share)
{
	const int one = 1;
	int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (share)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (sa->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)sa, sockaddr_len(sa)) < 0 || listen(fd, BACKLOG) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

int dia_listen_open(struct dia_hub *h, struct err *err)
{
	char text[SOCKADDR_TEXT];

	h->accept_again.on_time = on_accept_again;
	spare_fd_hold(&h->spare_fd);
	for (size_t i = 0; i < h->cfg.n_listen; i++) {
		struct dia_listener *l = &h->listeners[i];
		int fd = open_one(&h->cfg.listen[i], h->cfg.share_port);

		*l = (struct dia_listener){ .f = { .fd = fd, .on_ready = listen_on_ready },
					    .hub = h,
					    .tls = h->cfg.listen_tls[i] };
		if (fd >= 0 && dia_loop_add(h->loop, &l->f) == 0) {
			h->n_listening++;
			continue;
		}
		if (fd >= 0)
			close(fd);
		dia_listen_close(h);
		sockaddr_text(text, &h->cfg.listen[i]);
		return err_set(err, fd < 0 ? fd : -ENOMEM, "diameter: cannot listen on %s: %s", text,
			       strerror(fd < 0 ? -fd : ENOMEM));
	}
	return 0;
}

void dia_listen_close(struct dia_hub *h)
{
	dia_loop_timer_stop(h->loop, &h->accept_again);
	while (h->n_listening) {
		struct dia_listener *l = &h->listeners[--h->n_listening];

		dia_loop_del(h->loop, &l->f);
		close(l->f.fd);
	}
	if (h->spare_fd >= 0)
		close(h->spare_fd);
	h->spare_fd = -1;
}
