/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/gsup_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include "common/base/clock.h"
#include "common/gba/cause.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

#define BUCKETS       1024
#define IN_FLIGHT_MAX 16384
#define OUT_MAX       65536 /* octets that wait to be sent */
#define AGAIN_MS      1000  /* between attempts */
#define GREETING_MS   5000  /* from connecting to being asked who we are */
#define DEAD_MS       10000 /* octets unacknowledged for so long: the connection is gone */

struct gsup_link {
	struct gsup_link_cfg cfg;
	struct inbox *inbox;
	pthread_t thread;
	sem_t opened;
	atomic_uint sessions;
	/* of the thread */
	struct deadline_set *deadlines;
	struct deadline timer; /* of the greeting, or until the next attempt */
	struct osmo_fd ofd;    /* fd -1: there is none */
	bool connecting;
	bool told; /* the log knows that it is down */
	uint64_t heard_ms;
	struct gsup_question *pending[BUCKETS];
	size_t n_pending, n_in, n_out;
	uint8_t in[GSUP_FRAME_MAX + 3], out[OUT_MAX];
};

static bool is_open(const struct gsup_link *l)
{
	return atomic_load(l->cfg.open);
}

static bool is_here(const struct gsup_link *l)
{
	return pthread_equal(l->thread, pthread_self());
}

/* --- what is asked and not answered */

static struct gsup_question **gsup_bucket(struct gsup_link *l, uint32_t session)
{
	return &l->pending[session % BUCKETS];
}

/* \returns the question, which is none of ours any more; NULL: there is none */
static struct gsup_question *pending_take(struct gsup_link *l, uint32_t session)
{
	struct gsup_question **p = gsup_bucket(l, session), *q;

	while (*p && (*p)->ask.session != session)
		p = &(*p)->next;
	q = *p;
	if (!q)
		return NULL;
	*p = q->next;
	l->n_pending--;
	deadline_stop(&q->deadline);
	return q;
}

static void pending_end(struct gsup_link *l, int rc)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (l->pending[i]) {
			struct gsup_question *q = pending_take(l, l->pending[i]->ask.session);

			q->answered(q, rc, NULL);
		}
	}
}

/* --- the connection */

static void gsup_link_connect(void *link);

static void close_socket(struct gsup_link *l)
{
	if (l->ofd.fd >= 0) {
		osmo_fd_unregister(&l->ofd);
		close(l->ofd.fd);
	}
	l->ofd.fd = -1;
	atomic_store(l->cfg.open, false);
	l->connecting = false;
	OPENSSL_cleanse(l->in, l->n_in);
	l->n_in = l->n_out = 0;
}

/* The old socket is closed before there is a new one. */
static void link_lost(struct gsup_link *l, const char *why)
{
	if (!l->told)
		LOGT(DZH, LOGL_NOTICE, "hlr %s: %s: %s; next attempt every %u s\n", l->cfg.label,
		     is_open(l) ? "connection lost" : "cannot be reached", why, AGAIN_MS / 1000);
	l->told = true;
	close_socket(l);
	pending_end(l, -ENOTCONN);
	deadline_start(l->deadlines, &l->timer, AGAIN_MS, gsup_link_connect, l);
}

static void no_greeting(void *link)
{
	link_lost(link, "it does not ask who we are");
}

/* What cannot be sent is told by the socket: as an error when it is read. */
static void flush(struct gsup_link *l)
{
	ssize_t n = send(l->ofd.fd, l->out, l->n_out, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		n = errno == EAGAIN || errno == EINTR ? 0 : (ssize_t)l->n_out;
	l->n_out -= (size_t)n;
	memmove(l->out, l->out + n, l->n_out);
	osmo_fd_update_when(&l->ofd, OSMO_FD_READ, l->n_out ? OSMO_FD_WRITE : 0);
}

/* \returns a writer for a message of at most max octets; its end is sent_now() */
static bool can_send(struct gsup_link *l, struct writer *w, size_t max)
{
	writer_init(w, l->out + l->n_out, sizeof(l->out) - l->n_out);
	return sizeof(l->out) - l->n_out >= max;
}

static void sent_now(struct gsup_link *l, const struct writer *w)
{
	bool waiting = l->n_out > 0;

	l->n_out += w->len;
	if (!waiting)
		flush(l);
}

/* --- what comes */

static void greeted(struct gsup_link *l)
{
	deadline_stop(&l->timer);
	if (is_open(l))
		return;
	LOGT(DZH, LOGL_NOTICE, "hlr %s: connected as %s\n", l->cfg.label, l->cfg.name);
	l->told = false;
	atomic_store(l->cfg.open, true);
	sem_post(&l->opened);
}

static void on_control(struct gsup_link *l, struct span body)
{
	struct writer w;

	if (!can_send(l, &w, GSUP_CCM_MAX))
		return;
	if (body.p[0] == GSUP_PING) {
		gsup_wire_pong_put(&w);
		sent_now(l, &w);
	} else if (body.p[0] == GSUP_ID_GET) {
		gsup_wire_identity_put(&w, l->cfg.name);
		sent_now(l, &w);
		greeted(l); /* some acknowledge it, osmo-hlr does not */
	}
}

/* An answer to nobody: too late, a second one, or never asked for. */
static void answer_dropped(const struct gsup_link *l)
{
	struct log_line line;

	counter_inc(CAUSE_zh_late);
	if (!log_rate_ok(DZH) || !log_line_begin(&line, DZH, LOGL_NOTICE, CAUSE_zh_late))
		return;
	log_line_str(&line, "hss", l->cfg.label);
	log_line_end(&line);
}

static void on_answer(struct gsup_link *l, struct span msg)
{
	struct gsup_answer a;
	struct gsup_question *q;
	int rc = gsup_wire_answer_get(&a, msg);

	if (rc == -EBADMSG && log_rate_ok(DZH))
		LOGT(DZH, LOGL_NOTICE, "hlr %s: an answer that cannot be read\n", l->cfg.label);
	if (rc < 0)
		return;
	q = a.has_session ? pending_take(l, a.session) : NULL;
	if (!q)
		answer_dropped(l);
	else if (strcmp(a.imsi, q->ask.imsi) != 0)
		q->answered(q, -EBADMSG, NULL); /* a vector of somebody else's would be used as if it were this one's */
	else
		q->answered(q, 0, &a);
	gsup_answer_clear(&a);
}

/* \returns octets of whole frames; -EBADMSG */
static int on_octets(struct gsup_link *l)
{
	struct gsup_frame f;
	size_t at = 0;
	int n;

	while ((n = gsup_wire_frame(&f, span_of(l->in + at, l->n_in - at))) > 0) {
		if (f.kind == GSUP_CONTROL)
			on_control(l, f.body);
		else if (f.kind == GSUP_MESSAGE && is_open(l))
			on_answer(l, f.body);
		at += (size_t)n;
	}
	return n < 0 ? n : (int)at;
}

static void on_readable(struct gsup_link *l)
{
	ssize_t n = recv(l->ofd.fd, l->in + l->n_in, sizeof(l->in) - l->n_in, MSG_DONTWAIT);
	int used;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		return link_lost(l, n < 0 ? strerror(errno) : "closed by the HLR");
	l->n_in += (size_t)n;
	l->heard_ms = clock_mono_ms();
	used = on_octets(l);
	if (used < 0)
		return link_lost(l, "what it sends is no GSUP");
	OPENSSL_cleanse(l->in, (size_t)used); /* keys */
	l->n_in -= (size_t)used;
	memmove(l->in, l->in + used, l->n_in);
}

static int on_socket(struct osmo_fd *ofd, unsigned int what)
{
	struct gsup_link *l = ofd->data;
	socklen_t len = sizeof(int);
	int failed = 0;

	if (l->connecting) {
		getsockopt(ofd->fd, SOL_SOCKET, SO_ERROR, &failed, &len);
		if (failed) {
			link_lost(l, strerror(failed));
			return 0;
		}
		l->connecting = false;
		osmo_fd_update_when(ofd, OSMO_FD_READ, 0);
	}
	if (what & OSMO_FD_WRITE && l->n_out)
		flush(l);
	if (what & OSMO_FD_READ)
		on_readable(l);
	return 0;
}

/* \returns socket that is connecting; -errno */
static int socket_to(const struct sockaddr_storage *to)
{
	socklen_t len = to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, rc;
	unsigned dead_ms = DEAD_MS;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
	if (connect(fd, (const struct sockaddr *)to, len) == 0 || errno == EINPROGRESS)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static void gsup_link_connect(void *link)
{
	struct gsup_link *l = link;
	int fd = socket_to(&l->cfg.addr);

	if (fd < 0)
		return link_lost(l, strerror(-fd));
	osmo_fd_setup(&l->ofd, fd, OSMO_FD_READ | OSMO_FD_WRITE, on_socket, l, 0);
	if (osmo_fd_register(&l->ofd) < 0) {
		close(fd);
		l->ofd.fd = -1;
		return link_lost(l, "no descriptors");
	}
	l->connecting = true;
	deadline_start(l->deadlines, &l->timer, GREETING_MS, no_greeting, l);
}

/* --- questions */

/* Where nothing at all came since it was asked, the connection may be one that the other end has forgotten. */
static void question_late(void *question)
{
	struct gsup_question *q = question;
	struct gsup_link *l = q->link;
	bool silent = l->heard_ms < q->sent_ms;

	pending_take(l, q->ask.session);
	q->answered(q, -ETIMEDOUT, NULL);
	if (silent && is_open(l))
		link_lost(l, "it does not answer");
}

/* On the link's thread. \returns 0; -ENOTCONN; -EBUSY */
static int question_send(struct gsup_link *l, struct gsup_question *q)
{
	struct gsup_question **b = gsup_bucket(l, q->ask.session);
	struct writer w;

	if (!is_open(l))
		return -ENOTCONN;
	if (l->n_pending >= IN_FLIGHT_MAX || !can_send(l, &w, GSUP_ASK_MAX))
		return -EBUSY;
	q->sent_ms = clock_mono_ms();
	q->next = *b;
	*b = q;
	l->n_pending++;
	deadline_start(l->deadlines, &q->deadline, q->patience_ms, question_late, q);
	gsup_wire_ask_put(&w, &q->ask);
	sent_now(l, &w);
	return 0;
}

static void question_came(void *link, struct inbox_item *item, bool stopping)
{
	struct gsup_question *q = (struct gsup_question *)item;
	int rc = stopping ? -ESHUTDOWN : question_send(link, q);

	if (rc < 0)
		q->answered(q, rc, NULL);
}

int gsup_link_ask(struct gsup_link *l, struct gsup_question *q, uint32_t *session)
{
	int rc;

	q->link = l;
	*session = q->ask.session = atomic_fetch_add(&l->sessions, 1);
	if (is_here(l))
		return question_send(l, q);
	if (!is_open(l))
		return -ENOTCONN;
	q->item.run = question_came;
	rc = inbox_post(l->inbox, &q->item);
	return rc == -ESHUTDOWN ? -ENOTCONN : rc;
}

/* --- life */

struct gsup_link *gsup_link_new(const struct gsup_link_cfg *cfg)
{
	struct gsup_link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->cfg = *cfg;
	l->ofd.fd = -1;
	sem_init(&l->opened, 0, 0);
	l->inbox = inbox_new(IN_FLIGHT_MAX, l);
	if (l->inbox)
		return l;
	gsup_link_free(l);
	return NULL;
}

int gsup_link_attach(struct gsup_link *l, struct deadline_set *deadlines)
{
	int rc = inbox_attach(l->inbox);

	l->thread = pthread_self();
	l->deadlines = deadlines;
	if (rc == 0)
		gsup_link_connect(l);
	return rc;
}

void gsup_link_detach(struct gsup_link *l)
{
	inbox_close(l->inbox);
	deadline_stop(&l->timer);
	close_socket(l);
	pending_end(l, -ESHUTDOWN);
}

void gsup_link_free(struct gsup_link *l)
{
	if (!l)
		return;
	inbox_free(l->inbox);
	sem_destroy(&l->opened);
	OPENSSL_cleanse(l, sizeof(*l));
	free(l);
}

bool gsup_link_wait(struct gsup_link *l, unsigned ms)
{
	return clock_sem_wait(&l->opened, ms);
}
