/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Connections of the control socket: octets to requests, one after the other, and answers to octets. */
#include "common/rt/ctl_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/base/secret.h"
#include "common/rt/log_cat.h"

#define CTL_BEHIND_MAX (1u << 20) /* octets that may wait for who watches */

/* who has been silent longest comes first */
static LLIST_HEAD(conns);
static struct deadline_set *deadlines;

static void conn_close(struct ctl_conn *c)
{
	void (*ended)(void *data) = c->ended;
	void *data = c->data;

	if (c->work)
		c->work->conn = NULL;
	ctl_request_free(c->asking);
	deadline_stop(&c->late);
	if (!c->unwatched)
		osmo_fd_unregister(&c->fd);
	close(c->fd.fd);
	llist_del(&c->entry);
	free(c->out);
	OPENSSL_cleanse(c->in, sizeof(c->in));
	c->dead = true;
	if (!c->serving)
		free(c);
	if (ended)
		ended(data);
}

static void on_late(void *data)
{
	struct ctl_conn *c = data;

	LOGP(DRT, LOGL_NOTICE, "control: %s began a request or has an answer waiting for %d s: closed\n", c->who,
	     CTL_REQUEST_S);
	conn_close(c);
}

/* --- answers */

/* \returns false: the connection has gone */
static bool conn_send(struct ctl_conn *c)
{
	ssize_t n = send(c->fd.fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		conn_close(c);
		return false;
	}
	c->out_at += n > 0 ? (size_t)n : 0;
	if (c->out_at < c->out_len) {
		c->fd.when = OSMO_FD_WRITE; /* nothing is read meanwhile: who does not read cannot order more of it */
		if (!c->late.set)
			deadline_start(deadlines, &c->late, CTL_REQUEST_S * 1000, on_late, c);
		return true;
	}
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_at = 0;
	deadline_stop(&c->late);
	if (c->ending) {
		conn_close(c);
		return false;
	}
	c->fd.when = OSMO_FD_READ;
	return true;
}

/* Behind what is unsent. \returns false: too much, or no memory */
static bool append_out(struct ctl_conn *c, const char *text)
{
	size_t left = c->out_len - c->out_at, len = strlen(text);
	char *both = left + len <= CTL_BEHIND_MAX ? malloc(left + len + 1) : NULL;

	if (!both)
		return false;
	memcpy(both, c->out + c->out_at, left);
	memcpy(both + left, text, len + 1);
	free(c->out);
	c->out = both;
	c->out_len = left + len;
	c->out_at = 0;
	return true;
}

/* \param[in] text malloc'ed, taken; NULL: no memory. \returns as conn_send() */
static bool conn_answer(struct ctl_conn *c, char *text)
{
	bool behind = c->out != NULL, fits = text && (!behind || append_out(c, text));

	if (!fits) {
		LOGP(DRT, LOGL_NOTICE, "control: %s does not take what it is told: closed\n", c->who);
		free(text);
		conn_close(c);
		return false;
	}
	if (behind) {
		free(text);
		return conn_send(c);
	}
	c->out = text;
	c->out_len = strlen(text);
	c->out_at = 0;
	return conn_send(c);
}

unsigned ctl_conn_event(const char *json)
{
	struct ctl_conn *c, *next;
	unsigned n = 0;
	char *line;

	llist_for_each_entry_safe(c, next, &conns, entry)
	{
		n += c->watching;
		if (!c->watching || !json)
			continue;
		if (asprintf(&line, "%llu event %s\n", (unsigned long long)c->watch, json) < 0)
			line = NULL;
		conn_answer(c, line);
	}
	return n;
}

/* --- requests */

static void run_request(struct ctl_conn *c, struct ctl_request *q)
{
	deadline_stop(&c->late);
	c->asking = NULL;
	c->work = q;
	q->command->run(q);
	if (c->dead || !c->work)
		return;
	osmo_fd_unregister(&c->fd);
	c->unwatched = true;
}

static void refuse_line(struct ctl_conn *c, struct ctl_request *q, int rc, const struct err *err)
{
	c->work = q;
	ctl_fail(q, rc == -ENOMEM ? CTL_FAILED : CTL_SYNTAX, "%s", err->text);
}

static void conn_line(struct ctl_conn *c, const char *line, size_t len)
{
	struct ctl_request *q = calloc(1, sizeof(*q));
	struct err err = { "no memory" };
	int rc;

	if (!q) {
		conn_close(c);
		return;
	}
	memcpy(q->text, line, len);
	memcpy(q->who, c->who, sizeof(q->who));
	q->conn = c;
	rc = memchr(line, 0, len) ? err_set(&err, -EINVAL, "a NUL in the line")
				  : ctl_line_parse(&q->line, q->text, &err);
	if (rc < 0) {
		c->ending = true; /* where the next line begins nobody knows */
		refuse_line(c, q, rc, &err);
		return;
	}
	rc = ctl_request_check(q, &err);
	if (rc == 0 && q->line.octets) {
		q->document = malloc(q->line.octets);
		rc = q->document ? 0 : -ENOMEM;
	}
	c->skip = rc < 0 ? q->line.octets : 0;
	if (rc < 0)
		refuse_line(c, q, rc, &err);
	else
		c->asking = q;
}

static void conn_drop(struct ctl_conn *c, size_t n)
{
	c->len -= n;
	memmove(c->in, c->in + n, c->len);
}

static bool take_document(struct ctl_conn *c, struct ctl_request *q)
{
	size_t want = q->line.octets - q->len, n = want < c->len ? want : c->len;

	if (n)
		memcpy(q->document + q->len, c->in, n);
	q->len += n;
	conn_drop(c, n);
	if (n == want)
		run_request(c, q);
	return n == want;
}

static bool skip_document(struct ctl_conn *c)
{
	size_t n = c->skip < c->len ? c->skip : c->len;

	c->skip -= n;
	conn_drop(c, n);
	if (!c->skip)
		deadline_stop(&c->late); /* that request is over, too */
	return !c->skip;
}

static bool take_line(struct ctl_conn *c)
{
	char *end = memchr(c->in, '\n', c->len), line[CTL_LINE_MAX];
	size_t n = end ? (size_t)(end - c->in) : 0;

	if (!end)
		return false;
	memcpy(line, c->in, n);
	conn_drop(c, n + 1);
	conn_line(c, line, n);
	return true;
}

/* What was read goes where it belongs. \returns false: more must come first */
static bool conn_take(struct ctl_conn *c)
{
	if (c->asking)
		return take_document(c, c->asking);
	return c->skip ? skip_document(c) : take_line(c);
}

/* What has begun must end in time; and a line that cannot end any more is told. */
static void conn_wait(struct ctl_conn *c)
{
	if (c->work || c->out)
		return;
	if (c->len == sizeof(c->in)) {
		c->ending = true;
		conn_answer(c, strdup("0 error syntax a line has up to 4096 octets\n"));
	} else if ((c->len || c->asking || c->skip) && !c->late.set) {
		deadline_start(deadlines, &c->late, CTL_REQUEST_S * 1000, on_late, c);
	}
}

/* One request after the other, each answered before the next is looked at. The connection may end in here. */
static void conn_serve(struct ctl_conn *c)
{
	if (c->serving) /* an answer that came at once */
		return;
	c->serving = true;
	while (!c->dead && !c->work && !c->out && conn_take(c))
		;
	if (!c->dead)
		conn_wait(c);
	c->serving = false;
	if (c->dead)
		free(c);
}

static int on_conn(struct osmo_fd *fd, unsigned int what)
{
	struct ctl_conn *c = fd->data;
	ssize_t n;

	if (what & OSMO_FD_WRITE) {
		if (conn_send(c))
			conn_serve(c);
		return 0;
	}
	n = read(fd->fd, c->in + c->len, sizeof(c->in) - c->len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		conn_close(c);
		return 0;
	}
	c->len += (size_t)n;
	llist_move_tail(&c->entry, &conns);
	conn_serve(c);
	return 0;
}

static void conn_watch(struct ctl_conn *c)
{
	if (c->unwatched)
		osmo_fd_register(&c->fd);
	c->unwatched = false;
}

void ctl_conn_answered(struct ctl_conn *c, char *line)
{
	c->work = NULL;
	conn_watch(c);
	if (conn_answer(c, line))
		conn_serve(c);
}

/* --- which there are */

/* Where all places are taken, who has been silent longest makes room, unless it waits for its answer or holds something. */
static bool make_place(void)
{
	struct ctl_conn *c;

	if (llist_count(&conns) < CTL_CONNECTIONS_MAX)
		return true;
	llist_for_each_entry(c, &conns, entry)
	{
		if (c->work || c->ended || c->watching)
			continue;
		LOGP(DRT, LOGL_NOTICE, "control: %s closed: %d connections, and it was silent longest\n", c->who,
		     CTL_CONNECTIONS_MAX);
		conn_close(c);
		return true;
	}
	return false;
}

int ctl_conn_open(int fd, const char *who)
{
	struct ctl_conn *c;

	if (!make_place())
		return -EBUSY;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	snprintf(c->who, sizeof(c->who), "%s", who);
	osmo_fd_setup(&c->fd, fd, OSMO_FD_READ, on_conn, c, 0);
	osmo_fd_register(&c->fd);
	llist_add_tail(&c->entry, &conns);
	return 0;
}

void ctl_conn_init(struct deadline_set *d)
{
	deadlines = d;
}

void ctl_conn_close_all(void)
{
	while (!llist_empty(&conns))
		conn_close(llist_first_entry(&conns, struct ctl_conn, entry));
}
