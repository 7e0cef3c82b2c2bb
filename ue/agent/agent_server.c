/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/agent/agent_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <osmocom/core/select.h>
#include <talloc.h>
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"
#include "ue/agent/answer.h"
#include "ue/agent/consent.h"

/* One connection: a line, its answer, the next line. */
struct client {
	struct llist_head entry;
	struct osmo_fd fd;
	bool unwatched; /* it has said its last: the answer is written, then it is closed */
	struct ucred peer;
	char in[ASK_LINE_MAX];
	size_t len;
	bool watches;
	bool busy; /* an answer is being made; what comes is read later */
	struct ask_line ask;
	struct consent *consent;
	struct gba_ue_request *q;
};

static const struct agent_cfg *cfg;
static struct gba_ue *device;
static LLIST_HEAD(clients);
static size_t n_clients;
static struct osmo_fd listener = { .fd = -1 }, keys = { .fd = -1 };
static struct sockaddr_un address;
static struct changes changes; /* told to who watches */

static void client_close(struct client *c)
{
	consent_stop(c->consent);
	gba_ue_finish(c->q, NULL);
	if (!c->unwatched)
		osmo_fd_unregister(&c->fd);
	close(c->fd.fd);
	llist_del(&c->entry);
	n_clients--;
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

static void count(const struct client *c, enum cause cause, const char *why, const char *run)
{
	const bool ok = cause == CAUSE_agent_key || cause == CAUSE_agent_done;
	struct log_line l;

	counter_inc(cause);
	if ((!ok && !log_rate_ok(DUB)) || !log_line_begin(&l, DUB, ok ? LOGL_INFO : LOGL_NOTICE, cause))
		return;
	log_line_num(&l, "uid", c->peer.uid);
	log_line_num(&l, "pid", (uint64_t)c->peer.pid);
	if (c->busy && c->ask.verb == ASK_KEY)
		log_line_str(&l, "naf", c->ask.naf.fqdn);
	log_line_str(&l, "why", why);
	log_line_str(&l, "run", run);
	log_line_end(&l);
}

/* \returns false: the client is gone */
static bool send_line(struct client *c, struct answer *a)
{
	ssize_t n = send(c->fd.fd, a->s, a->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	bool whole = n == (ssize_t)a->len; /* who does not read is not waited for */

	OPENSSL_cleanse(a, sizeof(*a));
	c->busy = false;
	if (whole && !c->unwatched)
		return true;
	client_close(c);
	return false;
}

static bool refuse(struct client *c, enum cause cause, enum gba_ue_reason reason, enum ue_cause word, const char *text)
{
	struct answer a;

	count(c, cause, ue_cause_name(word), NULL);
	answer_refusal(&a, reason, ue_cause_name(word), text, 0, NULL);
	return send_line(c, &a);
}

/* The request has ended: tell. */
static bool tell_client(struct client *c)
{
	struct gba_ue_key *key;
	struct answer a;
	bool ok = gba_ue_reason(c->q) == GBA_UE_OK;

	count(c, ok ? CAUSE_agent_key : CAUSE_agent_failed, gba_ue_cause(c->q), gba_ue_run(c->q));
	if (!ok)
		answer_refusal(&a, gba_ue_reason(c->q), gba_ue_cause(c->q), gba_ue_text(c->q), gba_ue_status(c->q),
			       gba_ue_run(c->q));
	if (ok) {
		long status = gba_ue_status(c->q);

		gba_ue_finish(c->q, &key);
		answer_key(&a, key, status);
		gba_ue_key_free(key);
	} else {
		gba_ue_finish(c->q, NULL);
	}
	c->q = NULL;
	return send_line(c, &a);
}

/* \returns false: the client is gone */
static bool ask_device(struct client *c)
{
	const struct ask_line *a = &c->ask;
	const bool key = a->verb == ASK_KEY;

	const char *naf = key ? a->naf.fqdn : NULL, *refused = a->refused[0] ? a->refused : NULL;
	const struct gba_ue_named named = { a->label[0] ? a->label : NULL, a->impi[0] ? a->impi : NULL };

	if (named.label || named.impi)
		c->q = gba_ue_start_named(device, &named, naf, a->naf.ua, a->force, refused);
	else
		c->q = gba_ue_start(device, a->app, naf, key ? a->naf.ua : NULL, a->force || !key, refused);
	return gba_ue_reason(c->q) == GBA_UE_PENDING ? true : tell_client(c);
}

static void serve_lines(struct client *c);

/* Last of all in each turn of the loop: clients end in it. A line of a change may come between a question and its answer. */
static void tell_watchers(void)
{
	struct client *c, *next;
	struct change change;
	struct answer a;

	while (changes_next(&changes, device, &change)) {
		llist_for_each_entry_safe(c, next, &clients, entry)
		{
			const bool busy = c->busy;

			if (!c->watches)
				continue;
			answer_change(&a, &change);
			if (send_line(c, &a))
				c->busy = busy;
		}
	}
}

static void on_consent(void *owner, bool yes)
{
	struct client *c = owner;

	c->consent = NULL;
	if (yes ? ask_device(c)
		: refuse(c, CAUSE_agent_no_consent, GBA_UE_NOT_ALLOWED, UE_CAUSE_not_allowed, "no consent"))
		serve_lines(c);
	tell_watchers();
}

static bool ask_consent(struct client *c)
{
	const struct consent_ask ask = { c->peer.uid, c->peer.pid, c->ask.naf.fqdn,
					 device->active ? device->active->name : "" };
	char *program;

	if (!cfg->consent)
		return ask_device(c);
	program = cfg_path(NULL, cfg->consent);
	c->consent = consent_start(program, &ask, cfg->consent_s ? cfg->consent_s : AGENT_CONSENT_S, on_consent, c);
	talloc_free(program);
	return c->consent ? true
			  : refuse(c, CAUSE_agent_no_consent, GBA_UE_NOT_ALLOWED, UE_CAUSE_not_allowed,
				   "the consent program cannot be run");
}

static bool manage(struct client *c)
{
	const bool use = c->ask.verb == ASK_USE;
	struct answer a;
	int rc = use ? gba_ue_realm_use(device, c->ask.realm) : gba_ue_drop(device, c->ask.realm, c->ask.tmpi);

	if (rc == -ENOENT)
		return refuse(c, CAUSE_agent_failed, GBA_UE_FEATURE_NOT_READY, UE_CAUSE_usage,
			      "there is no such realm");
	if (rc < 0 && rc != -ENODEV)
		return refuse(c, CAUSE_agent_failed, GBA_UE_FEATURE_NOT_READY, UE_CAUSE_local,
			      "it could not be written down");
	count(c, CAUSE_agent_done, use ? "use" : "drop", NULL);
	answer_done(&a, "done");
	return send_line(c, &a);
}

static bool serve_line(struct client *c, char *line)
{
	struct err why = { "" };
	struct answer a;

	if (ask_line_parse(&c->ask, line, &why) < 0)
		return refuse(c, CAUSE_agent_syntax, GBA_UE_INCORRECT_NAF_ID, UE_CAUSE_usage, why.text);
	c->busy = true;
	if (!agent_cfg_allows(cfg, c->peer.uid, &c->ask))
		return refuse(c, CAUSE_agent_not_allowed, GBA_UE_NOT_ALLOWED, UE_CAUSE_not_allowed,
			      "this user's programs may not ask that");
	switch (c->ask.verb) {
	case ASK_KEY:
		return ask_consent(c);
	case ASK_RENEW:
		return ask_device(c);
	case ASK_WATCH:
		c->watches = true;
		count(c, CAUSE_agent_done, "watch", NULL);
		answer_list(&a, "watching", device);
		return send_line(c, &a);
	case ASK_LIST:
		answer_list(&a, "realms", device);
		return send_line(c, &a);
	default:
		return manage(c);
	}
}

/* Whole lines, one after the other: the next one when the former is answered. */
static void serve_lines(struct client *c)
{
	char line[ASK_LINE_MAX], *end;

	while (!c->busy && (end = memchr(c->in, '\n', c->len))) {
		size_t n = (size_t)(end - c->in);

		memcpy(line, c->in, n);
		line[n - (n && line[n - 1] == '\r')] = '\0';
		c->len -= (size_t)(end - c->in) + 1;
		memmove(c->in, end + 1, c->len);
		if (!serve_line(c, line))
			return;
	}
	if (!c->busy && c->unwatched)
		client_close(c);
	else if (!c->busy && c->len == sizeof(c->in))
		client_close(c); /* a line without end */
	else if (!c->unwatched)
		c->fd.when = c->len < sizeof(c->in) ? OSMO_FD_READ : 0;
}

static int on_client(struct osmo_fd *fd, unsigned int what)
{
	struct client *c = fd->data;
	ssize_t n = read(fd->fd, c->in + c->len, sizeof(c->in) - c->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0) {
		client_close(c);
		return 0;
	}
	if (n == 0) { /* it may have closed its side only, and wait for the answer */
		osmo_fd_unregister(&c->fd);
		c->unwatched = true;
	}
	c->len += (size_t)n;
	serve_lines(c);
	tell_watchers();
	return 0;
}

/* The device has done something. */
static int on_keys(struct osmo_fd *fd, unsigned int what)
{
	struct client *c, *next;

	gba_ue_step(device);
	llist_for_each_entry_safe(c, next, &clients, entry)
	{
		if (c->q && gba_ue_reason(c->q) != GBA_UE_PENDING && tell_client(c))
			serve_lines(c);
	}
	tell_watchers();
	return 0;
}

static bool too_many(uid_t uid)
{
	struct client *c;
	size_t n = 0;

	llist_for_each_entry(c, &clients, entry) n += c->peer.uid == uid;
	return n_clients >= AGENT_CLIENTS_MAX || n >= AGENT_UID_MAX;
}

static int on_accept(struct osmo_fd *fd, unsigned int what)
{
	struct client *c = calloc(1, sizeof(*c));
	socklen_t len = sizeof(c->peer);

	if (!c)
		return 0;
	c->fd.fd = accept4(fd->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (c->fd.fd < 0 || getsockopt(c->fd.fd, SOL_SOCKET, SO_PEERCRED, &c->peer, &len) < 0) {
		if (c->fd.fd >= 0)
			close(c->fd.fd);
		free(c);
		return 0;
	}
	osmo_fd_setup(&c->fd, c->fd.fd, OSMO_FD_READ, on_client, c, 0);
	osmo_fd_register(&c->fd);
	llist_add_tail(&c->entry, &clients);
	n_clients++;
	if (too_many(c->peer.uid) &&
	    refuse(c, CAUSE_agent_busy, GBA_UE_NETWORK_FAILURE, UE_CAUSE_busy, "too many connections"))
		client_close(c);
	return 0;
}

static int sock_of(const struct agent_cfg *c, struct sockaddr_un *out, struct err *err)
{
	char *path = cfg_path(NULL, c->socket);
	int rc = 0;

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(out->sun_path))
		strcpy(out->sun_path, path);
	else
		rc = cfg_error(err, -ENAMETOOLONG, c->socket_line, "agent: socket %s is too long", path);
	talloc_free(path);
	return rc;
}

/* Somebody answers there; one that nobody serves is what a killed agent left. */
static bool answers(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0;

	if (fd >= 0)
		close(fd);
	return yes;
}

int agent_server_check(const struct agent_cfg *c, struct err *err)
{
	struct sockaddr_un sa;
	int rc = sock_of(c, &sa, err);

	if (rc == 0 && answers(&sa))
		rc = cfg_error(err, -EADDRINUSE, c->socket_line, "agent: socket %s is in use by another gba-ued",
			       sa.sun_path);
	return rc;
}

int agent_server_start(const struct agent_cfg *c, struct gba_ue *ue, struct err *err)
{
	struct stat st;
	int fd, rc = sock_of(c, &address, err);

	if (rc < 0)
		return rc;
	cfg = c;
	device = ue;
	while (changes_next(&changes, ue, &(struct change){ 0 })) /* how it is now is no change */
		;
	if (stat(address.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(address.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* anybody may connect: who asks is told by the kernel, and the list decides */
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(address.sun_path, 0666) < 0 ||
	    listen(fd, 128) < 0) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return cfg_error(err, rc, c->socket_line, "agent: cannot listen on %s: %s", address.sun_path,
				 strerror(-rc));
	}
	osmo_fd_setup(&listener, fd, OSMO_FD_READ, on_accept, NULL, 0);
	osmo_fd_register(&listener);
	osmo_fd_setup(&keys, gba_ue_fd(ue), OSMO_FD_READ, on_keys, NULL, 0);
	osmo_fd_register(&keys);
	return 0;
}

void agent_server_stop(void)
{
	struct client *c, *next;

	if (listener.fd < 0)
		return;
	llist_for_each_entry_safe(c, next, &clients, entry) client_close(c);
	osmo_fd_unregister(&keys);
	osmo_fd_unregister(&listener);
	close(listener.fd);
	listener.fd = -1;
	unlink(address.sun_path);
}
