/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* OpenSSL's own socket BIO raises SIGPIPE and does not say whether the socket was emptied, so there is one of ours. */
#include "common/dia/dia_tls.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include "common/dia/dia_cert.h"

#define ASIDES_MAX 64 /* words of the handshake between two pieces of data: new keys, tickets */

struct dia_tls {
	struct dia_way way; /* first */
	SSL *ssl;
	int fd;
	bool emptied;           /* the last read of the socket took what there was */
	bool put_off;           /* the socket was to be read once more */
	bool counted;           /* among the handshakes of its address */
	uint64_t due_ms;        /* its turn */
	bool greeted;           /* the ClientHello was let through */
	bool failed;            /* of this SSL nothing is asked any more */
	int sys;                /* errno of the socket; 0: it has ended */
	int wait;               /* of the hello: as dia_way_ops.begin says */
	unsigned reads, asides; /* of the socket, that are left in this call; since the last data */
	struct dia_shakes *shakes;
	struct sockaddr_storage from;
	char why[DIA_CERT_WHY];
};

/* The socket. */

static int sock_read(BIO *b, char *to, size_t room, size_t *n)
{
	struct dia_tls *t = BIO_get_data(b);
	ssize_t got;

	BIO_clear_retry_flags(b);
	*n = 0;
	t->put_off = !t->reads;
	if (t->put_off) {
		BIO_set_retry_read(b);
		return 0;
	}
	t->reads--;
	got = recv(t->fd, to, room, 0);
	t->emptied = got < (ssize_t)room;
	t->sys = got < 0 ? errno : 0;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(b);
	*n = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static int sock_write(BIO *b, const char *from, size_t len, size_t *n)
{
	struct dia_tls *t = BIO_get_data(b);
	ssize_t put = send(t->fd, from, len, MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	t->sys = put < 0 ? errno : 0;
	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(b);
	*n = put > 0 ? (size_t)put : 0;
	return put > 0;
}

static long sock_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *sock_method;

static void make_method(void)
{
	sock_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "diameter socket");
	if (!sock_method)
		return;
	BIO_meth_set_read_ex(sock_method, sock_read);
	BIO_meth_set_write_ex(sock_method, sock_write);
	BIO_meth_set_ctrl(sock_method, sock_ctrl);
}

static BIO *sock_new(struct dia_tls *t)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *b;

	pthread_once(&once, make_method);
	b = sock_method ? BIO_new(sock_method) : NULL;
	if (b) {
		BIO_set_data(b, t);
		BIO_set_init(b, 1);
	}
	return b;
}

/* What a call of SSL_... came to. */

static int spoilt(struct dia_tls *t, int rc)
{
	t->failed = true;
	dia_cert_why(t->why, sizeof(t->why), t->ssl, rc);
	return DIA_WAY_FAILED;
}

static bool is_bare_end(void)
{
	unsigned long e = ERR_peek_error();

	return ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

/* An end without close_notify is an end: messages have lengths, nothing can be cut off unseen.
 * \returns 0 it has ended; -EAGAIN; DIA_WAY_FAILED; -errno */
static int outcome(struct dia_tls *t, int rc)
{
	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		t->failed = true;
		return -t->sys;
	default:
		if (!is_bare_end())
			return spoilt(t, rc);
		t->failed = true;
		return 0;
	}
}

/* The handshake. */

/* \returns ms until its turn; 0: it is */
static int until_due(const struct dia_tls *t)
{
	uint64_t now = t->shakes && t->due_ms ? dia_loop_now(t->shakes->loop) : t->due_ms;

	return t->due_ms > now ? (int)(t->due_ms - now) : 0;
}

static int on_hello(SSL *ssl, int *alert, void *arg)
{
	struct dia_tls *t = SSL_get_app_data(ssl);

	if (!t || !t->shakes)
		return SSL_CLIENT_HELLO_SUCCESS;
	t->wait = t->counted ? 0 : dia_shakes_wait(t->shakes, &t->from);
	t->counted = t->wait >= 0;
	if (!t->counted) /* to be held costs less than to be refused and come again; its time for a CER ends sooner */
		t->wait = DIA_RATE_QUEUE_S * 1000;
	if (t->wait)
		t->due_ms = dia_loop_now(t->shakes->loop) + (uint64_t)t->wait;
	else if (!dia_shakes_step(t->shakes))
		t->wait = -EBUSY;
	t->greeted = t->wait == 0;
	return t->greeted ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_RETRY;
}

void dia_tls_prepare(SSL_CTX *ctx)
{
	SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
}

/* Half a ClientHello costs nothing; what follows a whole one does. */
static int tls_begin(struct dia_way *w, int fd)
{
	struct dia_tls *t = (struct dia_tls *)w;
	int rc;

	if (t->failed)
		return DIA_WAY_FAILED;
	if ((rc = until_due(t)) > 0)
		return rc;
	if (t->shakes && (t->greeted || !SSL_is_server(t->ssl)) && !dia_shakes_step(t->shakes))
		return -EBUSY;
	t->fd = fd;
	t->reads = UINT_MAX;
	ERR_clear_error();
	rc = SSL_do_handshake(t->ssl);
	if (rc == 1) {
		t->shakes = NULL;
		t->asides = 0;
		return 0;
	}
	if (SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_CLIENT_HELLO_CB)
		return t->wait;
	rc = outcome(t, rc);
	if (rc == 0) {
		snprintf(t->why, sizeof(t->why), "it has closed the connection before TLS had begun");
		return DIA_WAY_FAILED;
	}
	return rc;
}

/* Octets. */

static void on_record(int write, int version, int type, const void *from, size_t len, SSL *ssl, void *tls)
{
	struct dia_tls *t = tls;

	t->asides += !write && type == SSL3_RT_HANDSHAKE;
}

/* New keys cost us more than who says so. \returns DIA_WAY_FAILED */
static int too_many_asides(struct dia_tls *t)
{
	t->failed = true;
	snprintf(t->why, sizeof(t->why), "it changes keys all the time");
	return DIA_WAY_FAILED;
}

/* SSL_read() itself would go on as long as what comes is no data: it has one read of the socket, then others come first. */
static ssize_t tls_read(struct dia_way *w, int fd, uint8_t *to, size_t room, bool *more)
{
	struct dia_tls *t = (struct dia_tls *)w;
	int n;

	*more = false;
	if (t->failed)
		return DIA_WAY_FAILED;
	t->fd = fd;
	t->reads = 1;
	t->put_off = false;
	ERR_clear_error();
	t->emptied = false; /* what it had taken off the socket before may have been followed by more since */
	n = SSL_read(t->ssl, to, room < INT_MAX ? (int)room : INT_MAX);
	if (t->asides > ASIDES_MAX)
		return too_many_asides(t);
	if (n <= 0) {
		n = outcome(t, n);
		*more = n == -EAGAIN && t->put_off && !t->emptied;
		return n;
	}
	t->asides = 0;
	*more = SSL_has_pending(t->ssl) || !t->emptied;
	return n;
}

static ssize_t tls_write(struct dia_way *w, int fd, const uint8_t *from, size_t len)
{
	struct dia_tls *t = (struct dia_tls *)w;
	size_t at = 0;

	if (t->failed)
		return DIA_WAY_FAILED;
	t->fd = fd;
	while (at < len) {
		size_t rest = len - at;
		int n;

		ERR_clear_error();
		n = SSL_write(t->ssl, from + at, rest < INT_MAX ? (int)rest : INT_MAX);
		if (n <= 0) {
			n = outcome(t, n);
			return n == -EAGAIN ? (ssize_t)at : n ? n : -EPIPE;
		}
		at += (size_t)n;
	}
	return (ssize_t)at;
}

static void tls_shut(struct dia_way *w, int fd)
{
	struct dia_tls *t = (struct dia_tls *)w;

	t->fd = fd;
	ERR_clear_error();
	if (!t->failed && SSL_is_init_finished(t->ssl))
		SSL_shutdown(t->ssl);
	shutdown(fd, SHUT_WR);
}

static const char *tls_why(const struct dia_way *w)
{
	const struct dia_tls *t = (const struct dia_tls *)w;

	return t->why[0] ? t->why : "TLS failed";
}

static void tls_free(struct dia_way *w)
{
	struct dia_tls *t = (struct dia_tls *)w;

	SSL_free(t->ssl);
	free(t);
}

static const struct dia_way_ops tls_ops = {
	.begin = tls_begin,
	.read = tls_read,
	.write = tls_write,
	.shut = tls_shut,
	.why = tls_why,
	.free = tls_free,
	.any_event_reads = true,
};

SSL *dia_tls_ssl(const struct dia_way *w)
{
	return w->ops == &tls_ops ? ((const struct dia_tls *)w)->ssl : NULL;
}

/* What it has decrypted are messages with keys, and wiped. */
static bool set_up(struct dia_tls *t, bool calls)
{
	BIO *b = sock_new(t);

	if (!b)
		return false;
	SSL_set_bio(t->ssl, b, b);
	SSL_set_app_data(t->ssl, t);
	SSL_set_msg_callback(t->ssl, on_record);
	SSL_set_msg_callback_arg(t->ssl, t);
	SSL_set_options(t->ssl, SSL_OP_CLEANSE_PLAINTEXT);
	SSL_set_read_ahead(t->ssl, 1);
	if (calls)
		SSL_set_connect_state(t->ssl);
	else
		SSL_set_accept_state(t->ssl);
	return true;
}

struct dia_way *dia_tls_new(SSL_CTX *ctx, bool calls, struct dia_shakes *shakes, const struct sockaddr_storage *from)
{
	struct dia_tls *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->way.ops = &tls_ops;
	t->shakes = shakes;
	t->from = *from;
	t->ssl = SSL_new(ctx);
	if (t->ssl && set_up(t, calls))
		return &t->way;
	SSL_free(t->ssl);
	free(t);
	return NULL;
}
