/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Peers that are gone, and what the library still does with them. A node and peers made of octets, in one process. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/base/bytes.h"
#include "common/dia/dia_core.h"
#include "dict/dict_gba.h"
#include "tests/flow/dia_check.h"
#include "tests/flow/dia_raw.h"

#define IDENTITY "naf1.example.com"
#define HSS      "hss.example.net"
#define NOBODY   9 /* port of our HSS */

static sem_t over, collect, collected;
static uint16_t port;

/* Takes the place of the C library's. The one thread that sleeps for seconds is the one that collects peers that ended.
 */
unsigned sleep(unsigned seconds)
{
	sem_post(&collected);
	while (sem_wait(&collect))
		;
	return 0;
}

/* ---- the node ---- */

static void on_event(void *owner, enum dia_event ev, const char *peer, const char *detail)
{
	if (ev == DIA_EV_OVER)
		sem_post(&over);
}

static int on_accept(void *owner, const char *identity, const struct sockaddr *from)
{
	return 0;
}

static void on_bir(struct msg **m, void *owner)
{
}

static void node_start(void)
{
	struct dia_cfg cfg = { .identity = "bsf.example.net",
			       .realm = "example.net",
			       .n_listen = 1,
			       .n_peers = 1,
			       .cb = { .event = on_event, .accept = on_accept } };
	struct err err = { "" };

	cfg.listen[0].addr = loopback("127.0.0.1", port);
	strcpy(cfg.peers[0].identity, HSS);
	cfg.peers[0].addr = loopback("127.0.0.1", NOBODY);
	if (dia_core_init(&cfg, &err) || dia_serve(GBA_APP_ZN, on_bir, NULL) || dia_core_start(&err))
		fail(err.text);
}

/* ---- a peer ---- */

static void raw_send_cer(int fd)
{
	raw_capabilities(IDENTITY);
	raw_send(fd);
}

/* Of an application nobody has: refused by the library. It says that the peer is alive. */
static void raw_send_request(int fd)
{
	raw_begin(310, 0xc0, 4711);
	raw_text(264, IDENTITY);
	raw_text(296, "example.com");
	raw_text(283, "example.net");
	raw_send(fd);
}

/* \returns the Result-Code of the next answer, what the node asks before that is passed over; 0: closed */
static uint32_t raw_answer(int fd)
{
	uint8_t in[4096];
	size_t len, at;

	for (;;) {
		if (recv(fd, in, 20, MSG_WAITALL) != 20)
			return 0;
		len = be16_get(in + 2);
		CHECK(len <= sizeof(in) && recv(fd, in + 20, len - 20, MSG_WAITALL) == (ssize_t)len - 20);
		for (at = 20; !(in[4] & 0x80) && at < len; at += (be16_get(in + at + 6) + 3u) & ~3u)
			if (be32_get(in + at) == 268)
				return be32_get(in + at + 8);
	}
}

static struct peer_hdr *find(void)
{
	struct peer_hdr *peer = NULL;

	CHECK(!fd_peer_getbyid((DiamId_t)IDENTITY, strlen(IDENTITY), 0, &peer));
	return peer;
}

/* Not let in while the library still works off former connections of its name. */
static int raw_open(void)
{
	int tries, fd;

	for (tries = 0; tries < 500; tries++) {
		fd = raw_connect(port);
		raw_send_cer(fd);
		if (raw_answer(fd) == 2001)
			return fd;
		close(fd);
		usleep(10000);
	}
	fail("not let in any more");
	return -1;
}

/* Nothing tells of the end of its thread. */
static void close_and_wait_end(int fd, struct peer_hdr *peer)
{
	int ms;

	close(fd);
	for (ms = 0; fd_peer_get_state(peer) != STATE_ZOMBIE && ms < WAIT_S * 1000; ms++)
		usleep(1000);
	CHECK(fd_peer_get_state(peer) == STATE_ZOMBIE);
}

/* A peer that is let in, and whose thread has done with that: what the library knows of it may be changed. */
static struct peer_hdr *settled(int fd)
{
	struct peer_hdr *peer;

	raw_send_request(fd);
	CHECK(raw_answer(fd) == 3007);
	peer = find();
	CHECK(peer && fd_peer_get_state(peer) == STATE_OPEN);
	return peer;
}

/* ---- the cases ---- */

/* An hour after its last request the library tells a peer to end; not ours. */
static void idle(void)
{
	int fd = raw_open();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct peer_hdr *peer = settled(fd);

	peer->info.config.pic_lft = 1;
	raw_send_request(fd);
	CHECK(raw_answer(fd) == 3007);
	CHECK(poll(&p, 1, 2000) == 0);
	close_and_wait_end(fd, peer);
}

/* It tells a peer that was refused, also when that has ended since. */
static void idle_then_gone(void)
{
	int fd = raw_open();
	struct peer_hdr *peer = settled(fd);

	peer->info.config.pic_flags.exp = PI_EXP_INACTIVE;
	peer->info.config.pic_lft = 1;
	raw_send_request(fd);
	CHECK(raw_answer(fd) == 3007);
	close_and_wait_end(fd, peer);
	CHECK(wait_sem(&over, 2)); /* the node lives on */
}

static void comes_back(void)
{
	int fd = raw_open();

	close_and_wait_end(fd, find());
}

/* Somebody looked it up before it was collected. */
static void collected_under_a_reader(void)
{
	struct peer_hdr *peer = find();

	CHECK(peer);
	while (!sem_trywait(&collected))
		;
	sem_post(&collect);
	CHECK(!wait_sem(&collected, WAIT_S));
	CHECK(!find());
	CHECK(peer->info.pi_diamid && !strcmp(peer->info.pi_diamid, IDENTITY)); /* freed, it is NULL or worse */
	CHECK(fd_peer_get_state(peer) == STATE_ZOMBIE);
}

static void reset(int fd)
{
	struct linger now = { .l_onoff = 1 };

	CHECK(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	close(fd);
}

/* A CER whose connection is reset before it is looked at: no memory is lost (with the address sanitizer). */
static void reset_behind_cer(void)
{
	int i, fd;

	for (i = 0; i < 200; i++) {
		fd = raw_connect(port);
		raw_send_cer(fd);
		reset(fd);
	}
	comes_back();
}

/* RFC 6733 8.16: the peer has started anew. */
static void other_state(void)
{
	struct peer_hdr *peer;
	int fd = raw_open();
	uint8_t state;

	for (state = 1; state <= 2; state++) {
		raw_begin(280, 0x80, 0);
		raw_text(264, IDENTITY);
		raw_text(296, "example.com");
		raw_avp(278, 0x40, 0, (uint8_t[4]){ 0, 0, 0, state }, 4);
		raw_send(fd);
		CHECK(raw_answer(fd) == (state == 1 ? 2001 : 0));
	}
	peer = find();
	CHECK(peer);
	close_and_wait_end(fd, peer);
}

/* The library looks into every candidate on the thread that sends, also into one that is just being set up anew. */
static void no_candidate(void)
{
	struct fd_list *candidates;
	struct rt_data *rtd;

	CHECK(!fd_rtd_init(&rtd));
	CHECK(!fd_rtd_candidate_add(rtd, (DiamId_t)IDENTITY, strlen(IDENTITY), NULL, 0));
	CHECK(!fd_rtd_candidate_add(rtd, (DiamId_t)HSS, strlen(HSS), NULL, 0));
	fd_rtd_candidate_extract(rtd, &candidates, 0);
	CHECK(candidates->next != candidates && candidates->next->next == candidates);
	CHECK(!strcmp(((struct rtd_candidate *)candidates->next)->diamid, HSS));
	fd_rtd_free(&rtd);
}

int main(void)
{
	static void (*const cases[])(void) = {
		idle, idle_then_gone, comes_back, collected_under_a_reader, reset_behind_cer, other_state, no_candidate
	};
	size_t i;

	sem_init(&over, 0, 0);
	sem_init(&collect, 0, 0);
	sem_init(&collected, 0, 0);
	alarm(60);
	port = free_port();
	node_start();
	printf("1..%zu\n", sizeof(cases) / sizeof(cases[0]));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cases[i]();
		printf("ok %zu\n", i + 1);
		fflush(stdout);
	}
	dia_core_stop();
	return 0;
}
