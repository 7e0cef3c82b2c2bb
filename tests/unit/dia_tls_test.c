/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Streams over TLS, two ends on one loop and a middleman who hands octets on as he likes: every split, partial writes, what comes
 * with the last of the handshake, ends, a move to another loop, the budget of handshakes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/socket.h>
#include <openssl/ssl.h>
#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/dia/dia_cert.h"
#include "common/dia/dia_stream.h"
#include "common/dia/dia_tls.h"
#include "tests/unit/pki_made.h"
#include "tests/unit/suite.h"

#define MSG_MAX 70000
#define SERVER  "hss.example.com"
#define CLIENT  "bsf.example.com"

struct end {
	struct dia_stream s; /* first */
	int outside;         /* the middleman's */
	unsigned begun, heard, ends;
	size_t octets;
	int why, detail;
	bool pause;
};

static struct dia_loop *loop;
static SSL_CTX *server_ctx, *client_ctx;
static struct end server, client;
static char dir[] = "/tmp/dia_tls_test.XXXXXX";

static void on_connected(struct dia_stream *s, int rc)
{
	ck_assert_int_eq(rc, 0);
	((struct end *)s)->begun++;
}

static void on_message(struct dia_stream *s, struct span msg)
{
	struct end *e = (struct end *)s;

	ck_assert_uint_eq(be32_get(msg.p + 12), e->heard);
	e->heard++;
	e->octets += msg.len;
	if (e->pause)
		dia_stream_pause(s);
}

static void on_end(struct dia_stream *s, enum dia_stream_end why, int detail, struct span head)
{
	struct end *e = (struct end *)s;

	e->ends++;
	e->why = (int)why;
	e->detail = detail;
}

static const struct dia_stream_ops ops = { .on_connected = on_connected, .on_message = on_message, .on_end = on_end };

static SSL_CTX *ctx_of(const struct pki_ca *ca, const char *name)
{
	const struct span names[] = { span_str(name) };
	const struct pki_wish wish = { .ca = ca, .names = names, .n_names = 1 };

	pki_make(dir, name, &wish);
	return pki_open(dir, name, NULL);
}

static void make_pki(void)
{
	struct pki_ca ca;

	if (!mkdtemp(dir))
		abort();
	pki_ca_make(&ca, "a CA");
	pki_ca_save(dir, "ca", &ca);
	server_ctx = ctx_of(&ca, SERVER);
	client_ctx = ctx_of(&ca, CLIENT);
	pki_ca_clear(&ca);
}

static void drop_pki(void)
{
	char cmd[64];

	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		perror(dir);
}

static const struct sockaddr_storage somewhere = { .ss_family = AF_INET };

static struct dia_way *tls_of(bool calls, struct dia_shakes *shakes, const struct sockaddr_storage *from)
{
	static const char *const names[] = { SERVER };
	struct dia_way *w = dia_tls_new(calls ? client_ctx : server_ctx, calls, shakes, from);

	ck_assert_ptr_nonnull(w);
	if (calls)
		ck_assert(dia_cert_expect(dia_tls_ssl(w), names, 1, false));
	return w;
}

static void end_on(struct end *e, int fd, int outside)
{
	*e = (struct end){ .outside = outside };
	ck_assert_int_eq(dia_stream_init(&e->s, loop, fd, false, MSG_MAX, &ops), 0);
}

static void setup(void)
{
	int a[2], b[2];

	loop = dia_loop_new();
	ck_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a) == 0);
	ck_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b) == 0);
	end_on(&server, a[0], a[1]);
	end_on(&client, b[0], b[1]);
}

static void teardown(void)
{
	dia_stream_clear(&server.s, false);
	dia_stream_clear(&client.s, false);
	close(server.outside);
	close(client.outside);
	dia_loop_free(loop);
}

static void begin_tls(void)
{
	dia_stream_way(&server.s, tls_of(false, NULL, &somewhere), false);
	dia_stream_way(&client.s, tls_of(true, NULL, &somewhere), false);
}

static void turns(void)
{
	while (dia_loop_turn(loop, 64))
		;
}

/* \returns octets handed on */
static size_t hand_on(struct end *from, struct end *to, size_t most)
{
	static uint8_t buf[1 << 16];
	ssize_t n = recv(from->outside, buf, most < sizeof(buf) ? most : sizeof(buf), 0);

	if (n <= 0)
		return 0;
	ck_assert_int_eq(send(to->outside, buf, (size_t)n, MSG_NOSIGNAL), n);
	turns();
	return (size_t)n;
}

static void hand_on_all(size_t piece)
{
	turns();
	while (hand_on(&client, &server, piece) + hand_on(&server, &client, piece))
		;
}

static void say(struct end *e, unsigned number, size_t len)
{
	struct writer w;

	ck_assert(dia_stream_room(&e->s, &w, len));
	memset(w.p, 0, len);
	be32_put(w.p, 1u << 24 | (uint32_t)len);
	be32_put(w.p + 12, number);
	dia_stream_commit(&e->s, (int)len);
}

START_TEST(test_every_piece)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 17, 100, 1000, 1 << 16 };

	begin_tls();
	hand_on_all(pieces[_i]);
	ck_assert_uint_eq(server.begun, 1);
	ck_assert_uint_eq(client.begun, 1);
	for (unsigned i = 0; i < 50; i++) {
		say(&client, i, 20 + 4 * i);
		say(&server, i, 40 + 8 * i);
	}
	hand_on_all(pieces[_i]);
	ck_assert_uint_eq(server.heard, 50);
	ck_assert_uint_eq(client.heard, 50);
	ck_assert_ptr_null(server.s.in); /* an idle stream has no buffer */
	ck_assert_ptr_null(server.s.out);
	ck_assert_uint_eq(server.ends + client.ends, 0);
}
END_TEST

/* More than a record and more than the socket takes: what is refused once goes out from where it had come to. */
START_TEST(test_partial_writes)
{
	const int small = 4096;
	unsigned n = 0;

	begin_tls();
	hand_on_all(1 << 16);
	say(&client, n++, 60000); /* no event tells that the socket takes the second record, too */
	turns();
	ck_assert_uint_eq(dia_stream_unsent(&client.s), 0);
	hand_on_all(1 << 16);
	setsockopt(client.s.f.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	for (unsigned i = 0; i < 10; i++, n++)
		say(&client, n, 60000);
	turns();
	ck_assert_uint_gt(dia_stream_unsent(&client.s), 500000);
	for (unsigned i = 0; i < 3; i++, n++) { /* and what is written meanwhile comes behind it */
		hand_on(&client, &server, 3000);
		say(&client, n, 20);
	}
	hand_on_all(3000);
	ck_assert_uint_eq(server.heard, n);
	ck_assert_uint_eq(server.octets, 11 * 60000 + 3 * 20);
	ck_assert_uint_eq(dia_stream_unsent(&client.s), 0);
}
END_TEST

/* In TLS 1.3 a client's first message may come with its Finished: no event tells of it. */
START_TEST(test_message_with_the_finished)
{
	begin_tls();
	turns();
	while (!client.begun) {
		hand_on(&server, &client, 1 << 16);
		if (!client.begun)
			hand_on(&client, &server, 1 << 16);
	}
	ck_assert_uint_eq(server.begun, 0);
	say(&client, 0, 20);
	say(&client, 1, 20);
	turns();
	ck_assert_uint_gt(hand_on(&client, &server, 1 << 16), 0);
	ck_assert_uint_eq(server.begun, 1);
	ck_assert_uint_eq(server.heard, 2);
}
END_TEST

/* Several records are read at once, more than a turn has room for; what comes meanwhile has its event then, not later. */
START_TEST(test_more_comes_while_records_wait)
{
	static uint8_t buf[1 << 16];
	ssize_t n;

	begin_tls();
	hand_on_all(1 << 16);
	for (unsigned i = 0; i < 10; i++) {
		say(&client, i, 20);
		if (i < 6)
			continue;
		n = recv(client.outside, buf, sizeof(buf), 0);
		ck_assert_int_gt(n, 0);
		ck_assert_int_eq(send(server.outside, buf, (size_t)n, MSG_NOSIGNAL), n);
		if (i == 6) {
			dia_loop_turn(loop, 1);
			ck_assert_uint_eq(server.heard, 4);
		}
	}
	turns();
	ck_assert_uint_eq(server.heard, 10);
}
END_TEST

START_TEST(test_ends)
{
	begin_tls();
	hand_on_all(1 << 16);
	if (_i) /* with close_notify */
		dia_stream_shut(&client.s);
	turns();
	while (hand_on(&client, &server, 1 << 16))
		;
	shutdown(server.outside, SHUT_WR);
	turns();
	ck_assert_uint_eq(server.ends, 1);
	ck_assert_int_eq(server.why, DIA_STREAM_CLOSED);
	ck_assert_int_eq(server.detail, 0);
}
END_TEST

START_TEST(test_end_within_handshake)
{
	begin_tls();
	turns();
	hand_on(&client, &server, 100);
	shutdown(server.outside, SHUT_WR);
	turns();
	ck_assert_int_eq(server.why, DIA_STREAM_WAY);
	ck_assert_str_ne(server.s.way->ops->why(server.s.way), "");
}
END_TEST

START_TEST(test_garbage)
{
	const int when = _i; /* before, within, after the handshake */
	uint8_t clear[1000] = { 1, 0, 3, 0xe8 };

	if (when) {
		begin_tls();
		turns();
		if (when > 1)
			hand_on_all(1 << 16);
		else
			hand_on(&client, &server, 50);
	} else {
		dia_stream_way(&server.s, tls_of(false, NULL, &somewhere), false);
	}
	ck_assert_int_eq(write(server.outside, clear, sizeof(clear)), (ssize_t)sizeof(clear));
	turns();
	ck_assert_uint_eq(server.ends, 1);
	ck_assert_int_eq(server.why, DIA_STREAM_WAY);
}
END_TEST

/* What was written before goes in the clear; what comes in the clear behind it was put in by somebody. */
START_TEST(test_after_a_message)
{
	say(&server, 0, 20);
	say(&client, 0, 20);
	hand_on_all(1 << 16);
	say(&server, 1, 24);
	dia_stream_way(&server.s, tls_of(false, NULL, &somewhere), false);
	turns();
	ck_assert_uint_eq(hand_on(&server, &client, 1 << 16), 24);
	ck_assert_uint_eq(client.heard, 2);
	dia_stream_way(&client.s, tls_of(true, NULL, &somewhere), false);
	hand_on_all(1 << 16);
	ck_assert(server.begun == 1 && client.begun == 1);
	say(&client, 1, 28);
	hand_on_all(1 << 16);
	ck_assert_uint_eq(server.heard, 2);
}
END_TEST

START_TEST(test_injected)
{
	static const uint8_t half[10] = { 1, 0, 0, 20 };

	ck_assert_int_eq(write(server.outside, half, sizeof(half)), (ssize_t)sizeof(half));
	turns();
	dia_stream_way(&server.s, tls_of(false, NULL, &somewhere), false);
	turns();
	ck_assert_uint_eq(server.ends, 1);
	ck_assert_int_eq(server.why, DIA_STREAM_EARLY);
}
END_TEST

/* What OpenSSL has read and not given yet comes along, and no event tells of it. */
START_TEST(test_move)
{
	struct dia_hub_arrival_like {
		int fd;
		struct dia_way *way;
	} a;
	uint8_t first[20] = { 1, 0, 0, 20 };
	struct dia_loop *other = dia_loop_new(), *here = loop;
	struct end moved;

	begin_tls();
	hand_on_all(1 << 16);
	server.pause = true;
	for (unsigned i = 0; i < 3; i++) {
		say(&client, i, 20);
		turns(); /* each a record of its own */
	}
	hand_on(&client, &server, 1 << 16);
	ck_assert_uint_eq(server.heard, 1);
	a.fd = dia_stream_release(&server.s, &a.way);
	loop = other;
	end_on(&moved, a.fd, -1);
	dia_stream_way(&moved.s, a.way, true);
	ck_assert(dia_stream_feed(&moved.s, span_of(first, sizeof(first))));
	while (dia_loop_turn(other, 64))
		;
	ck_assert_uint_eq(moved.heard, 3);
	say(&moved, 0, 20);
	while (dia_loop_turn(other, 64))
		;
	loop = here;
	ck_assert_uint_gt(hand_on(&server, &client, 1 << 16), 0);
	ck_assert_uint_eq(client.heard, 1);
	dia_stream_clear(&moved.s, false);
	dia_loop_free(other);
}
END_TEST

/* A client that the test drives by hand: what it writes goes to the server in few pieces. */
static void post(SSL *ssl)
{
	uint8_t octets[50000];
	int n = BIO_read(SSL_get_wbio(ssl), octets, sizeof(octets));

	if (n > 0)
		ck_assert_int_eq(send(server.outside, octets, (size_t)n, MSG_NOSIGNAL), n);
}

static SSL *by_hand(void)
{
	SSL *ssl = SSL_new(client_ctx);

	dia_stream_way(&server.s, tls_of(false, NULL, &somewhere), false);
	SSL_set_bio(ssl, BIO_new_socket(server.outside, BIO_NOCLOSE), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(ssl);
	for (unsigned i = 0; i < 10 && !server.begun; i++) {
		SSL_do_handshake(ssl);
		post(ssl);
		turns();
	}
	ck_assert_uint_eq(server.begun, 1);
	return ssl;
}

static void change_keys(SSL *ssl, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		ck_assert_int_eq(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		ck_assert_int_eq(SSL_do_handshake(ssl), 1);
	}
}

static void say_by_hand(SSL *ssl, unsigned number)
{
	uint8_t msg[20] = { 1, 0, 0, sizeof(msg) };

	be32_put(msg + 12, number);
	ck_assert_int_eq(SSL_write(ssl, msg, sizeof(msg)), sizeof(msg));
}

/* New keys are free to who wants them now and then, and cost us more than they cost the one who says so. */
START_TEST(test_key_updates)
{
	SSL *ssl = by_hand();

	for (unsigned i = 0; i < 200; i++) {
		change_keys(ssl, 3);
		say_by_hand(ssl, i);
		if (i % 7)
			continue;
		post(ssl);
		turns();
	}
	post(ssl);
	turns();
	ck_assert_uint_eq(server.heard, 200);
	ck_assert_uint_eq(server.ends, 0);
	change_keys(ssl, 300);
	post(ssl);
	turns();
	ck_assert_uint_eq(server.ends, 1);
	ck_assert_int_eq(server.why, DIA_STREAM_WAY);
	ck_assert_str_eq(server.s.way->ops->why(server.s.way), "it changes keys all the time");
	SSL_free(ssl);
}
END_TEST

/* Records of one octet: who sends them has no more of a turn than who sends messages. */
START_TEST(test_small_records_in_a_turn)
{
	uint8_t msg[1000] = { 1, 0, sizeof(msg) >> 8, sizeof(msg) & 0xff };
	SSL *ssl = by_hand();
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(msg); i++)
		ck_assert_int_eq(SSL_write(ssl, msg + i, 1), 1);
	post(ssl);
	while (dia_loop_turn(loop, 64))
		n++;
	ck_assert_uint_ge(n, sizeof(msg) / 64);
	ck_assert_uint_eq(server.heard, 1);
	SSL_free(ssl);
}
END_TEST

/* Many at once: a pair of ends for each, without a middleman. */
#define MANY 24

static struct end here[MANY], there[MANY];

static unsigned count_begun(const struct end *e)
{
	unsigned n = 0;

	for (size_t i = 0; i < MANY; i++)
		n += e[i].begun;
	return n;
}

static void begin_many(struct dia_shakes *shakes, bool one_address)
{
	for (size_t i = 0; i < MANY; i++) {
		struct sockaddr_storage from;
		char host[16];
		int sv[2];

		snprintf(host, sizeof(host), "127.0.%d.1", one_address ? 0 : (int)i);
		ck_assert_int_eq(sockaddr_parse(&from, host, "1"), 0);
		ck_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) == 0);
		end_on(&here[i], sv[0], -1);
		end_on(&there[i], sv[1], -1);
		dia_stream_way(&here[i].s, tls_of(false, shakes, &from), false);
		dia_stream_way(&there[i].s, tls_of(true, NULL, &from), false);
	}
}

static void end_many(void)
{
	for (size_t i = 0; i < MANY; i++) {
		dia_stream_clear(&here[i].s, false);
		dia_stream_clear(&there[i].s, false);
	}
}

START_TEST(test_few_handshakes_in_a_turn)
{
	static struct dia_rate rate; /* as large as the tables of a node are */
	struct dia_shakes shakes;
	unsigned before = 0, turn = 0;

	ck_assert_int_eq(dia_rate_init(&rate, DIA_RATE_A_SECOND), 0);
	dia_shakes_init(&shakes, loop, &rate);
	begin_many(&shakes, false);
	while (count_begun(here) < MANY) {
		unsigned now;

		dia_loop_turn(loop, 64);
		ck_assert_uint_lt(++turn, 10000);
		now = count_begun(here);
		ck_assert_uint_le(now - before, DIA_SHAKES_A_TURN);
		before = now;
	}
	ck_assert_uint_ge(turn, 2 * MANY / DIA_SHAKES_A_TURN); /* two steps each */
	end_many();
}
END_TEST

START_TEST(test_few_handshakes_of_an_address)
{
	static struct dia_rate rate; /* as large as the tables of a node are */
	struct dia_shakes shakes;
	uint64_t began = clock_mono_ms(), took;
	unsigned n;

	ck_assert_int_eq(dia_rate_init(&rate, DIA_RATE_A_SECOND), 0);
	dia_shakes_init(&shakes, loop, &rate);
	begin_many(&shakes, true);
	while (count_begun(here) < MANY) {
		n = count_begun(here);
		took = clock_mono_ms() - began;
		ck_assert_uint_lt(took, 60000);
		ck_assert_uint_le(n, DIA_RATE_A_SECOND + took * DIA_RATE_A_SECOND / 1000 + 1);
		dia_loop_wait(loop, 100);
		dia_loop_turn(loop, 64);
	}
	end_many();
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("tls");
	int failed;

	make_pki();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_every_piece, 0, 8);
	tcase_add_test(tc, test_partial_writes);
	tcase_add_test(tc, test_message_with_the_finished);
	tcase_add_test(tc, test_more_comes_while_records_wait);
	tcase_add_loop_test(tc, test_ends, 0, 2);
	tcase_add_test(tc, test_end_within_handshake);
	tcase_add_loop_test(tc, test_garbage, 0, 3);
	tcase_add_test(tc, test_after_a_message);
	tcase_add_test(tc, test_injected);
	tcase_add_test(tc, test_move);
	tcase_add_test(tc, test_key_updates);
	tcase_add_test(tc, test_small_records_in_a_turn);
	tcase_add_test(tc, test_few_handshakes_in_a_turn);
	tcase_add_test(tc, test_few_handshakes_of_an_address);
	failed = suite_run_cases("dia_tls", &tc, 1);
	drop_pki();
	return failed;
}
