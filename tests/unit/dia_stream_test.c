/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Messages through a socket: every split, floods, who does not read, who leaves, a pause. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include "common/base/clock.h"
#include "common/dia/dia_stream.h"
#include "tests/unit/suite.h"

#define BUDGET  64
#define MSG_MAX 4096

static struct dia_loop *loop;
static struct dia_stream stream;
static int peer;
static unsigned heard, heard_octets, ends, connects;
static int end_why, end_detail, connect_rc;
static size_t echo; /* octets of the answer to each message; 0: none */
static bool pause_in_message;

/* A message of len octets whose body says which one it is. */
static void message(uint8_t *out, size_t len, uint32_t number)
{
	memset(out, 0, len);
	be32_put(out, 1u << 24 | (uint32_t)len);
	be32_put(out + 12, number);
}

static void answer(struct dia_stream *s)
{
	struct writer w;

	if (!dia_stream_room(s, &w, echo))
		return;
	message(w.p, echo, heard);
	dia_stream_commit(s, (int)echo);
}

static void on_message(struct dia_stream *s, struct span msg)
{
	ck_assert_uint_eq(be32_get(msg.p + 12), heard);
	heard++;
	heard_octets += (unsigned)msg.len;
	if (pause_in_message)
		dia_stream_pause(s);
	if (echo)
		answer(s);
}

static void on_end(struct dia_stream *s, enum dia_stream_end why, int detail, struct span head)
{
	ends++;
	end_why = (int)why;
	end_detail = detail;
}

static void on_connected(struct dia_stream *s, int rc)
{
	connects++;
	connect_rc = rc;
}

static const struct dia_stream_ops ops = { .on_connected = on_connected, .on_message = on_message, .on_end = on_end };

static void setup(void)
{
	int sv[2];

	heard = heard_octets = ends = connects = 0;
	echo = 0;
	pause_in_message = false;
	loop = dia_loop_new();
	ck_assert(loop && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) == 0);
	peer = sv[1];
	ck_assert_int_eq(dia_stream_init(&stream, loop, sv[0], false, MSG_MAX, &ops), 0);
}

static void teardown(void)
{
	dia_stream_clear(&stream, false);
	close(peer);
	dia_loop_free(loop);
}

static void turn_until_idle(void)
{
	while (dia_loop_turn(loop, BUDGET))
		;
}

static void say(const uint8_t *p, size_t len)
{
	ck_assert_int_eq(write(peer, p, len), (ssize_t)len);
}

START_TEST(test_every_split)
{
	uint8_t m[3 * 40];
	unsigned n = 0;

	for (size_t first = 1; first < sizeof(m) - 1; first++) {
		for (size_t second = first + 1; second < sizeof(m); second += 7) {
			for (unsigned i = 0; i < 3; i++)
				message(m + 40 * i, 40, n++);
			say(m, first);
			turn_until_idle();
			say(m + first, second - first);
			turn_until_idle();
			say(m + second, sizeof(m) - second);
			turn_until_idle();
			ck_assert_uint_eq(heard, n);
		}
	}
	ck_assert_ptr_null(stream.in); /* an idle stream has no buffer */
	ck_assert_uint_eq(ends, 0);
}
END_TEST

START_TEST(test_big_message_in_pieces)
{
	static uint8_t m[1 << 20];

	stream.msg_max = sizeof(m);
	message(m, sizeof(m), 0);
	for (size_t at = 0; at < sizeof(m); at += 9999) {
		say(m + at, sizeof(m) - at < 9999 ? sizeof(m) - at : 9999);
		turn_until_idle();
		ck_assert_msg(stream.in_room <= 2 * (at + 9999) + 2 * DIA_LOOP_SCRATCH, "%zu octets after %zu",
			      stream.in_room, at);
	}
	ck_assert_uint_eq(heard, 1);
	ck_assert_uint_eq(heard_octets, sizeof(m));
}
END_TEST

START_TEST(test_budget)
{
	uint8_t m[1000 * 20];
	unsigned most = 0, turns = 0;

	for (uint32_t i = 0; i < 1000; i++)
		message(m + 20 * i, 20, i);
	say(m, sizeof(m));
	while (heard < 1000) {
		unsigned before = heard;

		dia_loop_turn(loop, BUDGET);
		most = heard - before > most ? heard - before : most;
		ck_assert_uint_lt(turns++, 200);
	}
	ck_assert_uint_eq(most, BUDGET);
	for (uint32_t i = 0; i < 100; i++) /* less than is read at a time: no further octet will come to remind us */
		message(m + 20 * i, 20, 1000 + i);
	say(m, 100 * 20);
	turn_until_idle();
	ck_assert_uint_eq(heard, 1100);
}
END_TEST

START_TEST(test_bad_frame)
{
	static const uint8_t bad[20] = { 2, 0, 0, 20 };
	uint8_t m[20];

	message(m, sizeof(m), 0);
	say(m, sizeof(m));
	say(bad, sizeof(bad));
	turn_until_idle();
	ck_assert_uint_eq(heard, 1); /* what stood before it counts */
	ck_assert_uint_eq(ends, 1);
	ck_assert_int_eq(end_why, DIA_STREAM_FRAME);
}
END_TEST

START_TEST(test_over_the_limit)
{
	uint8_t m[20];

	message(m, sizeof(m), 0);
	be32_put(m, 1u << 24 | (MSG_MAX + 4));
	say(m, 20);
	turn_until_idle();
	ck_assert_int_eq(end_why, DIA_STREAM_FRAME); /* told by its header, before it is there */
}
END_TEST

START_TEST(test_answers_of_a_turn_in_one)
{
	uint8_t m[20], got[4096];

	echo = 40;
	for (uint32_t i = 0; i < 10; i++) {
		message(m, sizeof(m), i);
		say(m, sizeof(m));
	}
	turn_until_idle();
	ck_assert_int_eq(read(peer, got, sizeof(got)), 400);
	ck_assert_ptr_null(stream.out);
}
END_TEST

START_TEST(test_who_does_not_read)
{
	uint8_t m[20], got[65536];
	uint32_t said = 0;
	size_t back = 0;
	ssize_t n;

	echo = 2000;
	fcntl(peer, F_SETFL, O_NONBLOCK);
	for (;;) {
		message(m, sizeof(m), said);
		if (write(peer, m, sizeof(m)) < 0)
			break; /* it is not read any more, TCP holds us up */
		said++;
		turn_until_idle();
		ck_assert_msg(dia_stream_unsent(&stream) <= DIA_STREAM_HOLD + BUDGET * echo, "%zu unsent",
			      dia_stream_unsent(&stream));
		ck_assert_uint_lt(said, 1000000);
	}
	ck_assert_uint_eq(ends, 0);
	while (back < said * echo) { /* it reads again: all of it comes, in order */
		n = read(peer, got, echo);
		if (n <= 0) {
			turn_until_idle();
			continue;
		}
		while ((size_t)n < echo) {
			ssize_t rest = read(peer, got + n, echo - (size_t)n);

			n += rest > 0 ? rest : 0;
			turn_until_idle();
		}
		back += echo;
		ck_assert_uint_eq(be32_get(got + 12), back / echo);
	}
	ck_assert_uint_eq(heard, said);
}
END_TEST

START_TEST(test_unsent_is_bounded)
{
	struct writer w;
	unsigned n = 0;

	while (dia_stream_room(&stream, &w, 4000)) {
		memset(w.p, 0, 4000);
		dia_stream_commit(&stream, 4000);
		ck_assert_uint_lt(n++, 2000);
	}
	ck_assert_uint_ge(dia_stream_unsent(&stream), DIA_STREAM_UNSENT);
	ck_assert(stream.stuck.running);
}
END_TEST

static void write_one(size_t len)
{
	struct writer w;

	ck_assert(dia_stream_room(&stream, &w, len));
	memset(w.p, 0, len);
	dia_stream_commit(&stream, (int)len);
}

static void fill_until_stuck(void)
{
	for (unsigned n = 0; !stream.stuck.running; n++) {
		write_one(4000);
		ck_assert_uint_lt(n, 2000);
	}
}

/* The time for who does not read runs from the last octet that left, whatever is written meanwhile; an octet starts it anew. */
START_TEST(test_stuck_from_the_last_octet)
{
	uint8_t got[65536];
	uint64_t at, until;

	fill_until_stuck();
	at = stream.stuck.at_ms;
	for (unsigned i = 0; i < 3; i++) {
		for (until = clock_mono_ms() + 5; clock_mono_ms() < until;)
			usleep(1000);
		write_one(40);
		turn_until_idle();
		ck_assert(stream.stuck.running);
		ck_assert_uint_eq(stream.stuck.at_ms, at);
	}
	while (stream.stuck.running && stream.stuck.at_ms == at) {
		ck_assert_int_gt(read(peer, got, sizeof(got)), 0);
		turn_until_idle();
	}
}
END_TEST

/* What waits is sent before the end is. */
START_TEST(test_shut_behind_what_waits)
{
	uint8_t got[65536];
	ssize_t n;

	fill_until_stuck();
	dia_stream_shut(&stream);
	do {
		n = read(peer, got, sizeof(got));
		ck_assert_msg(n >= 0 || dia_stream_unsent(&stream), "all is read, and there is no end");
		turn_until_idle();
	} while (n);
	ck_assert_uint_eq(dia_stream_unsent(&stream), 0);
}
END_TEST

START_TEST(test_pause)
{
	uint8_t m[60];

	for (uint32_t i = 0; i < 3; i++)
		message(m + 20 * i, 20, i);
	pause_in_message = true;
	say(m, sizeof(m));
	turn_until_idle();
	ck_assert_uint_eq(heard, 1); /* the rest of what was read waits, too */
	pause_in_message = false;
	dia_stream_resume(&stream);
	turn_until_idle();
	ck_assert_uint_eq(heard, 3);
	dia_stream_pause(&stream);
	close(peer);
	turn_until_idle();
	ck_assert_uint_eq(ends, 1); /* who leaves meanwhile is noticed */
	peer = -1;
}
END_TEST

START_TEST(test_shut)
{
	struct writer w;
	uint8_t got[64];

	ck_assert(dia_stream_room(&stream, &w, 20));
	message(w.p, 20, 0);
	dia_stream_commit(&stream, 20);
	dia_stream_shut(&stream);
	ck_assert_int_eq(read(peer, got, sizeof(got)), 20);
	ck_assert_int_eq(read(peer, got, sizeof(got)), 0);
}
END_TEST

/* Outside of a turn each message leaves at once, or, where the loop's owner wants it so, with the others in the next turn. */
START_TEST(test_gathered)
{
	uint8_t got[64];

	write_one(20);
	ck_assert_int_eq(read(peer, got, sizeof(got)), 20);
	ck_assert(!dia_loop_due(loop));
	dia_loop_gather(loop);
	turn_until_idle();
	write_one(20);
	write_one(20);
	ck_assert_int_eq(read(peer, got, sizeof(got)), -1);
	ck_assert(dia_loop_due(loop));
	dia_loop_turn(loop, BUDGET);
	ck_assert_int_eq(read(peer, got, sizeof(got)), 40);
	ck_assert(!dia_loop_due(loop));
}
END_TEST

START_TEST(test_peer_closes)
{
	uint8_t m[20];

	message(m, sizeof(m), 0);
	say(m, sizeof(m));
	close(peer);
	peer = -1;
	turn_until_idle();
	ck_assert_uint_eq(heard, 1);
	ck_assert_uint_eq(ends, 1);
	ck_assert_int_eq(end_why, DIA_STREAM_CLOSED);
	turn_until_idle();
	ck_assert_uint_eq(ends, 1);
}
END_TEST

/* A write to a stream whose other end is gone must not end it under the hands of who writes. */
START_TEST(test_write_to_the_gone)
{
	struct writer w;

	turn_until_idle();
	close(peer);
	peer = -1;
	for (int i = 0; i < 2; i++) {
		ck_assert(dia_stream_room(&stream, &w, 20));
		message(w.p, 20, 0);
		dia_stream_commit(&stream, 20);
		ck_assert_uint_eq(ends, 0);
	}
	dia_loop_wait(loop, 1000);
	turn_until_idle();
	ck_assert_uint_eq(ends, 1);
}
END_TEST

/* A connection of ours: to a listener, and to a port where nobody is. */
static int dial(uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert(fd >= 0);
	ck_assert(connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 || errno == EINPROGRESS);
	return fd;
}

START_TEST(test_connect)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	struct dia_stream s;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert(bind(listener, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	ck_assert(getsockname(listener, (struct sockaddr *)&sa, &len) == 0);
	for (int listening = 0; listening < 2; listening++) {
		if (listening)
			ck_assert(listen(listener, 5) == 0);
		connects = 0;
		ck_assert_int_eq(dia_stream_init(&s, loop, dial(sa.sin_port), true, MSG_MAX, &ops), 0);
		while (!connects) {
			dia_loop_wait(loop, 1000);
			dia_loop_turn(loop, BUDGET);
		}
		ck_assert_int_eq(connect_rc, listening ? 0 : -ECONNREFUSED);
		dia_stream_clear(&s, true);
	}
	close(listener);
}
END_TEST

static ssize_t read_comes_to;

static ssize_t read_this(struct dia_way *w, int fd, uint8_t *to, size_t room, bool *more)
{
	*more = false;
	return read_comes_to;
}

/* An ICMP "parameter problem" makes a socket of TCP fail with EPROTO: that is no failure of TLS. */
START_TEST(test_what_a_way_comes_to)
{
	static const struct {
		ssize_t rc;
		enum dia_stream_end why;
		int detail;
	} rows[] = { { -EPROTO, DIA_STREAM_CLOSED, EPROTO },
		     { -EBADMSG, DIA_STREAM_CLOSED, EBADMSG },
		     { 0, DIA_STREAM_CLOSED, 0 },
		     { DIA_WAY_FAILED, DIA_STREAM_WAY, 0 } };
	struct dia_way_ops mine = *dia_way_tcp.ops;
	struct dia_way way = { &mine };

	mine.read = read_this;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_comes_to = rows[i].rc;
		stream.way = &way;
		ck_assert_int_eq(write(peer, "x", 1), 1);
		for (int turn = 0; turn < 4; turn++)
			dia_loop_turn(loop, BUDGET);
		ck_assert_uint_eq(ends, 1);
		ck_assert_int_eq(end_why, (int)rows[i].why);
		ck_assert_int_eq(end_detail, rows[i].detail);
		stream.way = &dia_way_tcp;
		teardown();
		setup();
	}
}
END_TEST

SUITE_WITH_FIXTURE("dia_stream", setup, teardown, test_every_split, test_big_message_in_pieces, test_budget,
		   test_bad_frame, test_over_the_limit, test_answers_of_a_turn_in_one, test_who_does_not_read,
		   test_unsent_is_bounded, test_stuck_from_the_last_octet, test_shut_behind_what_waits, test_pause,
		   test_shut, test_gathered, test_peer_closes, test_write_to_the_gone, test_connect,
		   test_what_a_way_comes_to)
