/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ue_remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <jansson.h>

#include "common/base/b64.h"

struct ue_remote {
	int fd;
	size_t out_len, sent, in_len;
	char out[UE_REMOTE_LINE_MAX], in[UE_REMOTE_LINE_MAX];
};

int ue_remote_connect(const char *path, int epoll_fd, struct err *err)
{
	struct epoll_event ev = { .events = EPOLLIN }; /* a line fits a socket's buffer: it is sent at once */
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, -ENAMETOOLONG, "%s: path too long for a socket", path);
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* EAGAIN: so many stand before it that the agent is as good as not there */
	if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0)
		return fd;
	err_set(err, -errno, "%s: no agent: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -EIO;
}

struct ue_remote *ue_remote_new(const char *path, const char *line, int epoll_fd, struct err *err)
{
	struct ue_remote *r = calloc(1, sizeof(*r));
	int n;

	if (!r)
		return NULL;
	n = snprintf(r->out, sizeof(r->out), "%s\n", line);
	r->out_len = (size_t)n;
	r->fd = (size_t)n < sizeof(r->out) ? ue_remote_connect(path, epoll_fd, err)
					   : err_set(err, -E2BIG, "the question is too long");
	if (r->fd >= 0)
		return r;
	ue_remote_free(r);
	return NULL;
}

void ue_remote_free(struct ue_remote *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	OPENSSL_cleanse(r, sizeof(*r));
	free(r);
}

static void take_text(char *out, size_t cap, const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	snprintf(out, cap, "%s", text ? text : "");
}

/* The key is the last member; no library gets to copy it. */
static int take_key(struct secret *out, char *line)
{
	static const char before[] = ",\"key\":\"";
	char *at = strstr(line, before), *text = at ? at + strlen(before) : NULL;
	uint8_t octets[GBA_UE_KEY_LEN + 1];
	size_t len;
	int n;

	if (!at)
		return 0;
	len = strcspn(text, "\"");
	n = text[len] == '"' ? b64_decode(octets, sizeof(octets), (const uint8_t *)text, len) : -EBADMSG;
	if (n == GBA_UE_KEY_LEN)
		secret_set(out, octets, GBA_UE_KEY_LEN);
	OPENSSL_cleanse(octets, sizeof(octets));
	OPENSSL_cleanse(text, len);
	strcpy(at, "}");
	return n == GBA_UE_KEY_LEN ? 0 : -EBADMSG;
}

int ue_remote_read(struct ue_remote_answer *out, char *line)
{
	struct gba_ue_key *k = &out->key;
	json_int_t reason;
	json_t *o;

	memset(out, 0, sizeof(*out));
	if (take_key(&k->key, line) < 0)
		return -EBADMSG;
	o = json_loads(line, 0, NULL);
	reason = json_is_integer(json_object_get(o, "reason")) ? json_integer_value(json_object_get(o, "reason")) : -1;
	take_text(out->cause, sizeof(out->cause), o, "cause");
	take_text(out->run, sizeof(out->run), o, "run");
	take_text(out->text.text, sizeof(out->text.text), o, "text");
	out->status = (long)json_integer_value(json_object_get(o, "status"));
	take_text(k->btid, sizeof(k->btid), o, "btid");
	take_text(k->naf, sizeof(k->naf), o, "naf");
	take_text(k->realm, sizeof(k->realm), o, "realm");
	take_text(k->run, sizeof(k->run), o, "run");
	take_text(k->fingerprint, sizeof(k->fingerprint), o, "fingerprint");
	k->expires_at = json_integer_value(json_object_get(o, "expires"));
	k->bootstrapped = json_is_true(json_object_get(o, "bootstrapped"));
	json_decref(o);
	if (reason < 0 || reason >= GBA_UE_PENDING || (reason == GBA_UE_OK && !k->btid[0]))
		return -EBADMSG;
	out->reason = (enum gba_ue_reason)reason;
	return 0;
}

static int send_rest(struct ue_remote *r, struct err *err)
{
	while (r->sent < r->out_len) {
		ssize_t n = send(r->fd, r->out + r->sent, r->out_len - r->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -EINPROGRESS : err_set(err, -EIO, "the agent: %s", strerror(errno));
		r->sent += (size_t)n;
	}
	return 0;
}

int ue_remote_step(struct ue_remote *r, struct ue_remote_answer *out, struct err *err)
{
	char *end;
	ssize_t n;
	int rc = send_rest(r, err);

	if (rc < 0)
		return rc;
	while (!(end = memchr(r->in, '\n', r->in_len))) {
		if (r->in_len == sizeof(r->in))
			return err_set(err, -EBADMSG, "the agent's answer is too long");
		n = read(r->fd, r->in + r->in_len, sizeof(r->in) - r->in_len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return -EINPROGRESS;
		if (n <= 0)
			return err_set(err, -EIO, "the agent: %s",
				       n < 0 ? strerror(errno) : "it closed the connection");
		r->in_len += (size_t)n;
	}
	*end = '\0';
	return ue_remote_read(out, r->in) < 0 ? err_set(err, -EBADMSG, "that is no answer of an agent") : 0;
}
