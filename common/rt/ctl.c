/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include "common/base/secret.h"
#include "common/base/spare_fd.h"
#include "common/rt/cfg_file.h"
#include "common/rt/ctl_line.h"
#include "common/rt/deadline.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"
#include "common/rt/unix_sock.h"

#define GROUPS_MAX   256  /* of a peer, that are looked at */
#define ACCEPT_AGAIN 1000 /* ms, without a descriptor */

struct ctl_conn {
	struct llist_head entry; /* who has been silent longest comes first */
	struct osmo_fd fd;
	struct deadline late;
	char who[48];
	char in[CTL_LINE_MAX];
	size_t len;
	struct ctl_request *asking; /* its document is coming */
	struct ctl_request *work;
	size_t skip; /* octets of a document that nobody wants */
	char *out;   /* what is unsent; malloc'ed */
	size_t out_len, out_at;
	bool ending;    /* nothing is read any more: what is unsent is sent, and that is the end */
	bool serving;   /* conn_serve() is at work, and frees it if it is dead by then */
	bool dead;      /* closed */
	bool unwatched; /* while an answer is made: a hang-up would wake us again and again */
	void (*ended)(void *data);
	void *data;
};

struct ctl_request {
	struct ctl_conn *conn; /* NULL: it has gone, and nobody reads the answer */
	const struct ctl_command *command;
	char who[48];
	char text[CTL_LINE_MAX]; /* what line points to */
	struct ctl_line line;
	size_t first; /* argument */
	uint8_t *document;
	size_t len; /* of it, so far */
};

static const struct ctl_daemon *served;
static LLIST_HEAD(conns);
static struct osmo_fd listener = { .fd = -1 };
static struct deadline accept_later;
static struct deadline_set *deadlines;
static int spare = -1;

const struct ctl_daemon *ctl_daemon(void)
{
	return served;
}

static void request_free(struct ctl_request *q)
{
	if (!q)
		return;
	if (q->document)
		OPENSSL_cleanse(q->document, q->len); /* there may be keys in it */
	free(q->document);
	free(q);
}

static void conn_close(struct ctl_conn *c)
{
	void (*ended)(void *data) = c->ended;
	void *data = c->data;

	if (c->work)
		c->work->conn = NULL;
	request_free(c->asking);
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

/* \param[in] text malloc'ed, taken; NULL: no memory. \returns as conn_send() */
static bool conn_answer(struct ctl_conn *c, char *text)
{
	if (!text) {
		conn_close(c);
		return false;
	}
	c->out = text;
	c->out_len = strlen(text);
	c->out_at = 0;
	return conn_send(c);
}

static const char *const refusals[] = {
	[CTL_SYNTAX] = "syntax", [CTL_INVALID] = "invalid", [CTL_UNKNOWN] = "unknown",
	[CTL_EXISTS] = "exists", [CTL_BUSY] = "busy",       [CTL_FAILED] = "failed",
};

static char *refusal(uint64_t number, enum ctl_word word, const char *text)
{
	char *line = NULL;

	if (asprintf(&line, "%llu error %s %s", (unsigned long long)number, refusals[word], text) < 0)
		return NULL;
	log_line_harmless(line); /* it may repeat what stands in a document */
	return line;
}

static void log_request(const struct ctl_request *q, const char *outcome)
{
	char text[512];
	struct writer w;

	if (!q->command || !q->command->changes)
		return;
	writer_init(&w, text, sizeof(text));
	for (size_t i = 0; i < q->line.n; i++) {
		writer_str(&w, i ? " " : "");
		log_line_word(&w, q->line.word[i]);
	}
	if (writer_end(&w) < 0)
		strcpy(text + sizeof(text) - 4, "...");
	LOGP(DCFG, LOGL_NOTICE, "control: %s, %s: %s\n", q->who, outcome, text);
}

static void conn_serve(struct ctl_conn *c);

static void conn_watch(struct ctl_conn *c)
{
	if (c->unwatched)
		osmo_fd_register(&c->fd);
	c->unwatched = false;
}

/* \param[in] text malloc'ed, without line end; NULL: no memory */
static void request_end(struct ctl_request *q, char *text, const char *outcome)
{
	struct ctl_conn *c = q->conn;
	char *line = NULL;

	log_request(q, outcome);
	request_free(q);
	if (c && text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	if (!c) {
		free(line);
		return;
	}
	c->work = NULL;
	conn_watch(c);
	if (conn_answer(c, line))
		conn_serve(c);
}

void ctl_ok(struct ctl_request *q, json_t *answer)
{
	char *json = answer ? json_dumps(answer, JSON_COMPACT | JSON_ENSURE_ASCII) : strdup("{}"), *text = NULL;

	json_decref(answer);
	if (json && asprintf(&text, "%llu ok %s", (unsigned long long)q->line.number, json) < 0)
		text = NULL;
	free(json);
	request_end(q, text, "done");
}

void ctl_fail(struct ctl_request *q, enum ctl_word word, const char *fmt, ...)
{
	char reason[ERR_MAX], outcome[32];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	snprintf(outcome, sizeof(outcome), "refused (%s)", refusals[word]);
	request_end(q, refusal(q->line.number, word, reason), outcome);
}

/* --- requests */

const char *ctl_arg(const struct ctl_request *q, size_t i)
{
	return q->first + i < q->line.n ? q->line.word[q->first + i] : NULL;
}

struct span ctl_document(const struct ctl_request *q)
{
	return span_of(q->document, q->len);
}

const char *ctl_who(const struct ctl_request *q)
{
	return q->who;
}

bool ctl_hold(struct ctl_request *q, void (*ended)(void *data), void *data)
{
	if (!q->conn || q->conn->ended)
		return false;
	q->conn->ended = ended;
	q->conn->data = data;
	return true;
}

bool ctl_release(struct ctl_request *q, void (*ended)(void *data), void *data)
{
	if (!q->conn || q->conn->ended != ended || q->conn->data != data)
		return false;
	q->conn->ended = NULL;
	return true;
}

/* How many words of the line are this command's: 0, none. */
static size_t words_of(const struct ctl_line *l, const char *words)
{
	const char *blank = strchr(words, ' ');
	size_t n = blank ? (size_t)(blank - words) : strlen(words);

	if (strlen(l->word[0]) != n || strncmp(l->word[0], words, n) != 0)
		return 0;
	if (!blank)
		return 1;
	return l->n > 1 && strcmp(l->word[1], blank + 1) == 0 ? 2 : 0;
}

static const struct ctl_command *find(const struct ctl_command *table, const struct ctl_line *l, size_t *first)
{
	for (; table->words; table++) {
		*first = words_of(l, table->words);
		if (*first)
			return table;
	}
	return NULL;
}

/* \returns 0; -EINVAL and why in err */
static int request_check(struct ctl_request *q, struct err *err)
{
	const struct ctl_line *l = &q->line;
	const struct ctl_command *c;
	size_t args;

	c = find(ctl_common, l, &q->first);
	if (!c)
		c = find(served->commands, l, &q->first);
	if (!c)
		return err_set(err, -EINVAL, "there is no such command; allowed: those that 'commands' tells");
	q->command = c;
	args = l->n - q->first;
	if (args < c->args_min || args > c->args_max || l->has_document != (c->document_max > 0))
		return err_set(err, -EINVAL, "not so; allowed: %s%s%s%s", c->words, *c->args ? " " : "", c->args,
			       c->document_max ? " +OCTETS" : "");
	if (l->octets > c->document_max)
		return err_set(err, -EINVAL, "a document of %zu octets; allowed: up to %zu", l->octets,
			       c->document_max);
	return 0;
}

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
	rc = request_check(q, &err);
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

/* --- who may */

static bool in_group(int fd, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

static bool may_order(int fd, char who[48])
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	snprintf(who, 48, "uid %u pid %d", (unsigned)peer.uid, (int)peer.pid);
	return peer.uid == 0 || peer.uid == geteuid() || peer.gid == ctl_group() || in_group(fd, ctl_group());
}

static void ctl_turn_away(int fd, const char *who, const char *why)
{
	LOGP(DRT, LOGL_NOTICE, "control: %s refused: %s\n", who[0] ? who : "nobody", why);
	dprintf(fd, "0 error denied %s\n", why);
	close(fd);
}

/* Where all places are taken, who has been silent longest makes room, unless it waits for its answer or holds something. */
static bool make_place(void)
{
	struct ctl_conn *c;

	if (llist_count(&conns) < CTL_CONNECTIONS_MAX)
		return true;
	llist_for_each_entry(c, &conns, entry)
	{
		if (c->work || c->ended)
			continue;
		LOGP(DRT, LOGL_NOTICE, "control: %s closed: %d connections, and it was silent longest\n", c->who,
		     CTL_CONNECTIONS_MAX);
		conn_close(c);
		return true;
	}
	return false;
}

static void conn_new(int fd)
{
	struct ctl_conn *c;
	char who[48] = "";

	if (!may_order(fd, who))
		return ctl_turn_away(fd, who, "root, the daemon's own user and the socket's group are served here");
	c = make_place() ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return ctl_turn_away(fd, who, "too many connections");
	strcpy(c->who, who);
	osmo_fd_setup(&c->fd, fd, OSMO_FD_READ, on_conn, c, 0);
	osmo_fd_register(&c->fd);
	llist_add_tail(&c->entry, &conns);
}

static void accept_again(void *data)
{
	spare_fd_hold(&spare);
	listener.when = OSMO_FD_READ;
}

static int ctl_accept(struct osmo_fd *ofd, unsigned int what)
{
	int fd = accept4(ofd->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		conn_new(fd);
	} else if ((errno == EMFILE || errno == ENFILE) && spare_fd_refuse(ofd->fd, &spare) != 1) {
		listener.when = 0;
		deadline_start(deadlines, &accept_later, ACCEPT_AGAIN, accept_again, NULL);
	}
	return 0;
}

/* --- start and end */

void ctl_init(const struct ctl_daemon *d)
{
	served = d;
	ctl_cfg_init();
}

int ctl_check(struct err *err)
{
	return unix_sock_check(&ctl_sock, err);
}

int ctl_start(void *ctx, struct err *err)
{
	int fd;

	if (!served || !ctl_sock.path)
		return 0;
	deadlines = deadline_set_new(ctx);
	if (!deadlines || ctl_generation_make() < 0)
		return err_set(err, -ENOMEM, "control: no memory");
	fd = unix_sock_listen(&ctl_sock, 0660, ctl_group(), CTL_CONNECTIONS_MAX, err);
	if (fd < 0)
		return fd;
	spare_fd_hold(&spare);
	osmo_fd_setup(&listener, fd, OSMO_FD_READ, ctl_accept, NULL, 0);
	return osmo_fd_register(&listener);
}

char *ctl_path(void *ctx)
{
	return ctl_sock.path ? cfg_path(ctx, ctl_sock.path) : NULL;
}

void ctl_stop(void)
{
	if (listener.fd < 0)
		return;
	osmo_fd_unregister(&listener);
	close(listener.fd);
	listener.fd = -1;
	while (!llist_empty(&conns))
		conn_close(llist_first_entry(&conns, struct ctl_conn, entry));
	deadline_stop(&accept_later);
	if (spare >= 0)
		close(spare);
	spare = -1;
	unix_sock_remove(&ctl_sock);
}
