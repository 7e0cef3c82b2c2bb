/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Two nodes of ours on one loop, over real sockets: who may come in, questions and their one end, answers now and later, loss,
 * coming back, an end with DPR. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/dia/dia_hub.h"
#include "common/dia/zh_wire.h"
#include "tests/flow/free_port.h"
#include "tests/unit/suite.h"

#define HSS   "hss.example.com"
#define BSF   "bsf.example.com"
#define REALM "example.com"

static struct dia_loop *loop;
static struct dia_hub *hss, *bsf;
static struct sockaddr_storage hss_at;
static unsigned told[DIA_HUB_MISROUTED + 1], served, ends, stops;
static int end_rc;
static uint64_t end_txn;
static struct zh_maa maa;
static uint8_t guss[80000];
static size_t guss_len;
static struct dia_reply *kept;
static bool keep, drop, refuse_address, serve_nothing, ask_again;
static const char *only = BSF;
static unsigned connections = 1;
static char last_detail[256];

static const char *const realms[] = { REALM };

static void on_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	told[ev]++;
	snprintf(last_detail, sizeof(last_detail), "%s", detail);
}

static int may_come(void *owner, const char *identity, const struct sockaddr *from)
{
	return strcmp(identity, only) ? -ENOENT : refuse_address ? -EPERM : 0;
}

static void limits(void *owner, const char *identity, struct dia_hub_limits *out)
{
	out->connections = connections;
}

static int put_maa(struct writer *w, struct span request, const struct dia_self *self, const void *answer)
{
	return zh_wire_maa_put(w, request, self, answer);
}

static int put_mar(struct writer *w, const struct dia_address *to, const void *what)
{
	return zh_wire_mar_put(w, to, what);
}

static void reply(struct dia_reply *r)
{
	struct zh_maa m = { .result.code = RESULT_SUCCESS, .guss = span_of(guss, guss_len) };

	dia_reply_put(r, put_maa, &m);
}

static void on_mar(void *owner, struct dia_reply *r)
{
	struct zh_mar mar;
	struct dia_fault bad;

	served++;
	if (drop) {
		dia_reply_drop(r);
	} else if (zh_wire_mar_get(&mar, dia_reply_request(r), &bad) < 0) {
		dia_reply_refuse(r, &bad);
	} else if (keep) {
		if (kept)
			dia_reply_drop(kept); /* of many the last one */
		kept = dia_reply_keep(r);
		ck_assert_str_eq(dia_reply_peer(kept), BSF);
	} else if (!serve_nothing) {
		reply(r);
	}
}

static const struct dia_hub_service services[] = { { .grammar = &zh_wire_mar, .fn = on_mar } };
static const uint32_t zh[] = { GBA_APP_ZH };

static void turn(int ms)
{
	dia_loop_wait(loop, ms);
	dia_loop_turn(loop, 64);
}

#define UNTIL(what) \
	do { \
		uint64_t until_ = clock_mono_ms() + 5000; \
\
		while (!(what)) { \
			ck_assert_msg(clock_mono_ms() < until_, "never: " #what); \
			turn(100); \
		} \
	} while (0)

static void start_hss(void)
{
	struct dia_hub_cfg cfg = {
		.self = { HSS, REALM },
		.realms = realms,
		.n_realms = 1,
		.services = services,
		.n_services = 1,
		.n_listen = 1,
		.tc_ms = 1000,
		.state_id = 1,
		.cb = { .event = on_event, .admit = may_come, .limits = limits },
	};
	struct err err;

	cfg.listen[0] = hss_at;
	hss = dia_hub_new(loop, &cfg);
	ck_assert(hss && dia_hub_listen(hss, &err) == 0);
}

static void start_bsf(void)
{
	struct dia_hub_cfg cfg = {
		.self = { BSF, REALM },
		.client_apps = zh,
		.n_client_apps = 1,
		.tc_ms = 1000,
		.state_id = 1,
	};

	bsf = dia_hub_new(loop, &cfg);
	ck_assert(bsf && dia_hub_dial(bsf, HSS, &hss_at, false) == 0);
	ck_assert_int_eq(dia_hub_dial(bsf, HSS, &hss_at, false), -EEXIST);
}

static void setup(void)
{
	loop = dia_loop_new();
	hss_at = free_port();
	start_hss();
	start_bsf();
}

static void teardown(void)
{
	dia_hub_free(bsf);
	dia_hub_free(hss);
	dia_loop_free(loop);
}

static int ask(uint32_t patience_ms, uint64_t txn);

static void on_end(void *owner, uint64_t txn, int rc, struct span answer)
{
	ends++;
	end_rc = rc;
	end_txn = txn;
	zh_maa_clear(&maa);
	memset(&maa, 0, sizeof(maa));
	if (rc == 0)
		end_rc = zh_wire_maa_get(&maa, answer);
	maa.guss.p = NULL; /* lent; its length is looked at */
	if (ask_again)
		ck_assert_int_eq(ask(5000, txn + 1), -ENOTCONN);
}

static int ask_realm(const char *realm, const char *host, uint32_t patience_ms, uint64_t txn)
{
	struct dia_target to = { .peer = HSS, .realm = realm, .host = host, .grammar = &zh_wire_mar, .room = 2048 };
	struct zh_mar mar = { .scheme = "Digest-AKAv1-MD5" };

	strcpy(mar.impi.s, "001010000000001@ims.example.com");
	return dia_ask(bsf, &to, put_mar, &mar, patience_ms, on_end, NULL, txn);
}

static int ask(uint32_t patience_ms, uint64_t txn)
{
	return ask_realm(REALM, NULL, patience_ms, txn);
}

static void ask_and_wait(uint64_t txn)
{
	unsigned before = ends;

	ck_assert_int_eq(ask(5000, txn), 0);
	ck_assert_uint_eq(ends, before); /* never within the call */
	UNTIL(ends == before + 1);
	ck_assert_uint_eq(end_txn, txn);
}

START_TEST(test_asked_and_answered)
{
	ck_assert_int_eq(ask(1000, 1), -ENOTCONN);
	UNTIL(dia_hub_is_open(bsf, HSS));
	ck_assert(dia_hub_is_open(bsf, "HSS.Example.com"));
	for (uint64_t i = 1; i <= 200; i++) {
		ask_and_wait(i);
		ck_assert_uint_eq(maa.result.code, RESULT_SUCCESS);
	}
	ck_assert_uint_eq(served, 200);
	ck_assert_uint_eq(told[DIA_HUB_OPEN], 1);
	for (uint64_t i = 0; i < 1000; i++) /* many at once: each ends once */
		ck_assert_int_eq(ask(5000, i), 0);
	UNTIL(ends == 1200);
	ck_assert_uint_eq(told[DIA_HUB_STRAY], 0);
}
END_TEST

START_TEST(test_answered_later)
{
	UNTIL(dia_hub_is_open(bsf, HSS));
	keep = true;
	ck_assert_int_eq(ask(5000, 7), 0);
	UNTIL(kept);
	ck_assert_uint_eq(ends, 0);
	reply(kept);
	UNTIL(ends == 1);
	ck_assert_uint_eq(maa.result.code, RESULT_SUCCESS);
}
END_TEST

START_TEST(test_later_is_too_late)
{
	UNTIL(dia_hub_is_open(bsf, HSS));
	keep = true;
	ck_assert_int_eq(ask(5000, 7), 0);
	UNTIL(kept);
	dia_hub_free(bsf);
	bsf = NULL;
	ck_assert_uint_eq(ends, 1);
	ck_assert_int_eq(end_rc, -ENOTCONN);
	UNTIL(told[DIA_HUB_LOST] == 1);
	turn(0);
	reply(kept); /* to nobody: it goes nowhere, and the connection it came on lives until here */
}
END_TEST

START_TEST(test_asked_again_while_all_ends)
{
	UNTIL(dia_hub_is_open(bsf, HSS));
	keep = true;
	ck_assert_int_eq(ask(5000, 1), 0);
	UNTIL(kept);
	ask_again = true;
	dia_hub_free(bsf);
	bsf = NULL;
	ck_assert_uint_eq(ends, 1);
	dia_reply_drop(kept);
}
END_TEST

START_TEST(test_no_answer)
{
	UNTIL(dia_hub_is_open(bsf, HSS));
	drop = true;
	ck_assert_int_eq(ask(50, 9), 0);
	UNTIL(ends == 1);
	ck_assert_int_eq(end_rc, -ETIMEDOUT);
	drop = false;
	ask_and_wait(10);
	ck_assert_int_eq(end_rc, 0);
	keep = true;
	ck_assert_int_eq(ask(50, 11), 0);
	UNTIL(ends == 3);
	ck_assert_int_eq(end_rc, -ETIMEDOUT);
	reply(kept); /* comes after its time: counted, no second end */
	keep = false;
	ask_and_wait(12);
	ck_assert_uint_eq(ends, 4);
}
END_TEST

START_TEST(test_a_server_that_forgets_to_answer)
{
	UNTIL(dia_hub_is_open(bsf, HSS));
	serve_nothing = true;
	ask_and_wait(1);
	ck_assert_uint_eq(maa.result.code, RESULT_UNABLE_TO_COMPLY);
}
END_TEST

START_TEST(test_what_no_message_can_carry)
{
	UNTIL(dia_hub_is_open(bsf, HSS));
	guss_len = 60000;
	ask_and_wait(1);
	ck_assert_uint_eq(maa.guss.len, 60000);
	guss_len = 66000;
	ask_and_wait(2);
	ck_assert_uint_eq(maa.result.code, RESULT_UNABLE_TO_COMPLY);
	ck_assert(dia_hub_is_open(bsf, HSS)); /* the connection is kept */
	ck_assert_uint_eq(told[DIA_HUB_LOST], 0);
}
END_TEST

START_TEST(test_not_for_us)
{
	UNTIL(dia_hub_is_open(bsf, HSS));
	ck_assert_int_eq(ask_realm("elsewhere.example.org", NULL, 5000, 1), 0);
	UNTIL(ends == 1);
	ck_assert_uint_eq(maa.result.code, RESULT_REALM_NOT_SERVED);
	ck_assert_int_eq(ask_realm(REALM, "other.example.com", 5000, 2), 0);
	UNTIL(ends == 2);
	ck_assert_uint_eq(maa.result.code, RESULT_UNABLE_TO_DELIVER);
	ck_assert_int_eq(ask_realm(REALM, HSS, 5000, 3), 0);
	UNTIL(ends == 3);
	ck_assert_uint_eq(maa.result.code, RESULT_SUCCESS);
	ck_assert_uint_eq(served, 1);
	ck_assert_uint_eq(told[DIA_HUB_REALM], 2);
}
END_TEST

START_TEST(test_lost_and_back)
{
	UNTIL(dia_hub_is_open(bsf, HSS));
	keep = true;
	for (uint64_t i = 0; i < 10; i++)
		ck_assert_int_eq(ask(10000, i), 0);
	UNTIL(served == 10);
	dia_hub_free(hss);
	UNTIL(ends == 10); /* at once, not after 10 s */
	ck_assert_int_eq(end_rc, -ENOTCONN);
	ck_assert_int_eq(ask(1000, 1), -ENOTCONN);
	dia_reply_drop(kept);
	keep = false;
	start_hss();
	UNTIL(dia_hub_is_open(bsf, HSS));
	ask_and_wait(1);
	ck_assert_uint_eq(maa.result.code, RESULT_SUCCESS);
}
END_TEST

START_TEST(test_unknown_identity)
{
	only = "somebody.else.example.com";
	UNTIL(told[DIA_HUB_UNKNOWN] == 2); /* it comes again */
	ck_assert(!dia_hub_is_open(bsf, HSS));
	only = BSF;
	UNTIL(dia_hub_is_open(bsf, HSS));
}
END_TEST

START_TEST(test_other_address)
{
	refuse_address = true;
	UNTIL(told[DIA_HUB_ADDRESS] == 1);
	ck_assert_uint_eq(told[DIA_HUB_UNKNOWN], 0);
	refuse_address = false;
	UNTIL(dia_hub_is_open(bsf, HSS));
}
END_TEST

START_TEST(test_admitted_no_more)
{
	UNTIL(dia_hub_is_open(bsf, HSS));
	dia_hub_recheck(hss);
	ask_and_wait(1);
	only = "somebody.else.example.com";
	dia_hub_recheck(hss);
	UNTIL(told[DIA_HUB_LOST] == 1);
	UNTIL(!dia_hub_is_open(bsf, HSS));
}
END_TEST

/* A second one under a name that is there: the first is asked, lives, and stays. */
START_TEST(test_name_in_use)
{
	struct dia_hub *first = bsf;

	UNTIL(dia_hub_is_open(bsf, HSS));
	start_bsf();
	UNTIL(told[DIA_HUB_IN_USE] == 1);
	ck_assert(dia_hub_is_open(first, HSS));
	ck_assert(!dia_hub_is_open(bsf, HSS));
	dia_hub_free(bsf);
	bsf = first;
	ask_and_wait(1);
}
END_TEST

static void on_stop(void *owner)
{
	stops++;
}

START_TEST(test_end_with_dpr)
{
	uint64_t began;

	UNTIL(dia_hub_is_open(bsf, HSS));
	began = clock_mono_ms();
	dia_hub_stop(hss, on_stop, NULL);
	UNTIL(stops == 1);
	ck_assert_uint_lt(clock_mono_ms() - began, 3000);
	ck_assert(!dia_hub_is_open(bsf, HSS));
	ck_assert_uint_eq(told[DIA_HUB_LOST], 1);
	dia_hub_free(hss);
	start_hss();
	UNTIL(dia_hub_is_open(bsf, HSS)); /* who said it starts again is asked again */
	dia_hub_stop(bsf, on_stop, NULL);
	UNTIL(stops == 2);
}
END_TEST

START_TEST(test_figures)
{
	UNTIL(dia_hub_is_open(bsf, HSS));
	ask_and_wait(1);
	ask_and_wait(2);
}
END_TEST

/* Octets of somebody else: silence, noise, half a CER, more of them than have room; the good peer is served all the time. */
static int raw(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert(fd >= 0 && connect(fd, (struct sockaddr *)&hss_at, sizeof(struct sockaddr_in)) == 0);
	return fd;
}

START_TEST(test_silent_ones)
{
	int fds[400];
	unsigned closed = 0;
	char octet;

	UNTIL(dia_hub_is_open(bsf, HSS));
	for (size_t i = 0; i < 400; i++) {
		fds[i] = raw();
		if (i % 50 == 0)
			ask_and_wait(i);
	}
	ask_and_wait(1000);
	for (size_t i = 0; i < 400; i++) {
		closed += recv(fds[i], &octet, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
		close(fds[i]);
	}
	ck_assert_uint_ge(closed, 400 - DIA_DOOR_ALL / 2); /* of one address the oldest went */
	ask_and_wait(1001);
}
END_TEST

START_TEST(test_noise)
{
	static const uint8_t noise[][24] = {
		{ 'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P', '/', '1', '.', '1', '\r', '\n', '\r', '\n' },
		{ 1, 0, 0, 20, 0x80, 0, 1, 24 },        /* DWR before CER */
		{ 1, 0, 0, 20, 0x80, 0, 1, 1 },         /* CER without anything */
		{ 1, 0xff, 0xff, 0xfc, 0x80, 0, 1, 1 }, /* longer than anybody may say before CER */
		{ 1, 0, 0, 19, 0x80, 0, 1, 1 },
	};

	UNTIL(dia_hub_is_open(bsf, HSS));
	for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
		uint8_t got[4096];
		int fd = raw();
		ssize_t n;

		ck_assert_int_eq(write(fd, noise[i], 20), 20);
		while ((n = recv(fd, got, sizeof(got), MSG_DONTWAIT)) > 0 || (n < 0 && errno == EAGAIN))
			turn(100);
		close(fd);
		ask_and_wait(i);
	}
	ck_assert(dia_hub_is_open(bsf, HSS));
}
END_TEST

static void send_cer(int fd, const char *host)
{
	struct dia_caps caps = { .product = "test", .n_ips = 1, .ip_len = { 6 }, .n_apps = 1, .no_tls = true };
	uint8_t octets[1024];
	struct writer w;
	int len;

	snprintf(caps.host, sizeof(caps.host), "%s", host);
	snprintf(caps.realm, sizeof(caps.realm), "%s", REALM);
	memcpy(caps.ip[0], "\0\1\x7f\0\0\1", 6);
	caps.apps[0] = GBA_APP_ZH;
	writer_init(&w, octets, sizeof(octets));
	len = dia_base_cer_put(&w, &caps, 1, 1);
	ck_assert_int_eq(send(fd, octets, (size_t)len, MSG_NOSIGNAL), len);
}

/* Refused, they stay: a flood of CERs of unknown names must not use up what there is. */
START_TEST(test_refused_ones_that_stay)
{
	int fds[400];
	unsigned closed = 0;
	uint8_t got[1024];

	UNTIL(dia_hub_is_open(bsf, HSS));
	for (size_t i = 0; i < 400; i++) {
		fds[i] = raw();
		send_cer(fds[i], "somebody.else.example.com");
		UNTIL(told[DIA_HUB_UNKNOWN] == i + 1);
	}
	ask_and_wait(1);
	for (size_t i = 0; i < 400; i++) {
		/* the refusal, its end, and then the reset of those that had to go */
		while (recv(fds[i], got, sizeof(got), MSG_DONTWAIT) > 0)
			;
		closed += send(fds[i], got, 1, MSG_NOSIGNAL) < 0;
		close(fds[i]);
	}
	ck_assert_uint_ge(closed, 400 - DIA_DOOR_ALL / 2);
}
END_TEST

static uint32_t next_result(int fd)
{
	uint8_t got[4096];
	struct dia_avp a;
	ssize_t n = -1;

	UNTIL((n = recv(fd, got, sizeof(got), MSG_DONTWAIT)) >= 0 || errno != EAGAIN);
	ck_assert_int_gt(n, DIA_HDR_LEN);
	ck_assert(dia_wire_find(&a, dia_wire_avps(span_of(got, (size_t)n)), AVP_RESULT_CODE));
	return dia_wire_u32(&a);
}

/* A header that is none is told so before the connection ends. */
START_TEST(test_no_frame)
{
	static const struct {
		uint8_t hdr[DIA_HDR_LEN];
		uint32_t code;
	} bad[] = {
		{ { 1, 0, 0, 19, 0xc0, 0, 1, 0x2f, 1, 0, 0, 5 }, DIA_INVALID_MESSAGE_LENGTH },
		{ { 1, 0xff, 0xff, 0xfc, 0xc0, 0, 1, 0x2f, 1, 0, 0, 5 }, DIA_INVALID_MESSAGE_LENGTH },
		{ { 2, 0, 0, 20, 0xc0, 0, 1, 0x2f, 1, 0, 0, 5 }, DIA_UNSUPPORTED_VERSION },
	};

	dia_hub_free(bsf);
	bsf = NULL;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = raw();
		uint8_t octet;

		send_cer(fd, BSF);
		ck_assert_uint_eq(next_result(fd), RESULT_SUCCESS);
		ck_assert_int_eq(send(fd, bad[i].hdr, DIA_HDR_LEN, MSG_NOSIGNAL), DIA_HDR_LEN);
		ck_assert_uint_eq(next_result(fd), bad[i].code);
		UNTIL(recv(fd, &octet, 1, MSG_DONTWAIT) == 0);
		close(fd);
		UNTIL(told[DIA_HUB_LOST] == i + 1);
	}
}
END_TEST

static struct dia_hub *another_bsf(void)
{
	struct dia_hub_cfg cfg = { .self = { BSF, REALM },
				   .client_apps = zh,
				   .n_client_apps = 1,
				   .tc_ms = 1000,
				   .cb = { .event = on_event } };
	struct dia_hub *h = dia_hub_new(loop, &cfg);

	ck_assert(h && dia_hub_dial(h, HSS, &hss_at, false) == 0);
	return h;
}

/* Forked workers of one identity: as many connections as were allowed, and more from the next CER on. */
START_TEST(test_connections)
{
	struct dia_hub *more[3];

	connections = 2;
	UNTIL(dia_hub_is_open(bsf, HSS));
	more[0] = another_bsf();
	UNTIL(dia_hub_is_open(more[0], HSS));
	ck_assert(dia_hub_is_open(bsf, HSS));
	more[1] = another_bsf();
	UNTIL(told[DIA_HUB_IN_USE]);
	ck_assert(!dia_hub_is_open(more[1], HSS));
	connections = 40; /* more than the first table has place for */
	UNTIL(dia_hub_is_open(more[1], HSS));
	more[2] = another_bsf();
	UNTIL(dia_hub_is_open(more[2], HSS));
	connections = 1; /* those that are there stay */
	dia_hub_recheck(hss);
	ask_and_wait(1);
	ck_assert_int_eq(end_rc, 0);
	for (size_t i = 0; i < 3; i++)
		dia_hub_free(more[i]);
	ask_and_wait(2);
	ck_assert_int_eq(end_rc, 0);
}
END_TEST

static void on_another_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	if (ev == DIA_HUB_LOST)
		snprintf(owner, sizeof(last_detail), "%s", detail);
}

static char bsf_lost[256];

static void start_bsf_that_tells(void)
{
	struct dia_hub_cfg cfg = { .self = { BSF, REALM },
				   .client_apps = zh,
				   .n_client_apps = 1,
				   .tc_ms = 1000,
				   .cb = { .event = on_another_event, .owner = bsf_lost } };

	dia_hub_free(bsf);
	bsf = dia_hub_new(loop, &cfg);
	ck_assert(bsf && dia_hub_dial(bsf, HSS, &hss_at, false) == 0);
}

START_TEST(test_dial_elsewhere)
{
	struct sockaddr_storage former = hss_at;

	start_bsf_that_tells();
	UNTIL(dia_hub_is_open(bsf, HSS));
	ck_assert_int_eq(dia_hub_dial(bsf, HSS, &hss_at, false), -EEXIST);
	hss_at = free_port();
	ck_assert_int_eq(dia_hub_dial(bsf, HSS, &hss_at, false), 0);
	UNTIL(bsf_lost[0]);
	ck_assert_str_eq(bsf_lost, "its address has changed");
	ck_assert(!dia_hub_is_open(bsf, HSS));
	ck_assert_int_eq(dia_hub_dial(bsf, HSS, &former, false), 0);
	UNTIL(dia_hub_is_open(bsf, HSS));
	ask_and_wait(1);
	ck_assert_int_eq(end_rc, 0);
}
END_TEST

START_TEST(test_dial_no_more)
{
	start_bsf_that_tells();
	UNTIL(dia_hub_is_open(bsf, HSS));
	dia_hub_recheck(bsf);
	dia_hub_undial(bsf, "nobody.example.com");
	ck_assert(dia_hub_is_open(bsf, HSS));
	dia_hub_undial(bsf, HSS);
	ck_assert(dia_hub_is_open(bsf, HSS));
	dia_hub_recheck(bsf);
	ck_assert(!dia_hub_is_open(bsf, HSS));
	UNTIL(bsf_lost[0]);
	ck_assert_str_eq(bsf_lost, "it is not configured any more");
	ck_assert_int_eq(dia_hub_dial(bsf, HSS, &hss_at, false), 0);
	UNTIL(dia_hub_is_open(bsf, HSS));
}
END_TEST

START_TEST(test_operator_disconnects)
{
	unsigned refused;

	ck_assert_int_eq(dia_hub_reconnect(bsf, "nobody.example.com"), -ENOENT);
	ck_assert_int_eq(dia_hub_disconnect(bsf, "nobody.example.com"), 0); /* who has not come yet */
	UNTIL(dia_hub_is_open(bsf, HSS));
	ck_assert_int_eq(dia_hub_disconnect(hss, BSF), 0);
	UNTIL(!dia_hub_is_open(bsf, HSS));
	refused = told[DIA_HUB_REFUSED];
	ck_assert_int_eq(dia_hub_reconnect(bsf, HSS), 0); /* it tries, and is told */
	UNTIL(told[DIA_HUB_REFUSED] > refused);
	ck_assert_ptr_nonnull(strstr(last_detail, "its operator here has disconnected it"));
	ck_assert_int_eq(dia_hub_reconnect(hss, BSF), 0);
	UNTIL(dia_hub_is_open(bsf, HSS));
	ask_and_wait(1);
	ck_assert_int_eq(end_rc, 0);
}
END_TEST

/* Who connects may keep a peer off, too, and takes it up at once. */
START_TEST(test_dialler_disconnects)
{
	UNTIL(dia_hub_is_open(bsf, HSS));
	ck_assert_int_eq(dia_hub_disconnect(bsf, HSS), 0);
	UNTIL(told[DIA_HUB_LOST] == 1);
	ck_assert(!dia_hub_is_open(bsf, HSS));
	ck_assert_int_eq(dia_hub_reconnect(bsf, HSS), 0);
	UNTIL(dia_hub_is_open(bsf, HSS));
	ck_assert_int_eq(dia_hub_reconnect(bsf, HSS), 0); /* anew */
	UNTIL(told[DIA_HUB_LOST] == 2);
	UNTIL(dia_hub_is_open(bsf, HSS));
	ask_and_wait(1);
	ck_assert_int_eq(end_rc, 0);
}
END_TEST

/* A relay that has no rules gives a MAR to whoever advertises Zh, so also to a BSF: the cure is told once. */
START_TEST(test_misrouted)
{
	struct dia_target to = { .peer = BSF, .realm = REALM, .grammar = &zh_wire_mar, .room = 2048 };
	struct zh_mar mar = { .scheme = "Digest-AKAv1-MD5" };

	strcpy(mar.impi.s, "001010000000001@ims.example.com");
	memset(told, 0, sizeof(told));
	dia_hub_free(bsf);
	bsf = another_bsf();
	UNTIL(dia_hub_is_open(hss, BSF));
	for (unsigned i = 1; i <= 3; i++) {
		ck_assert_int_eq(dia_ask(hss, &to, put_mar, &mar, 5000, on_end, NULL, i), 0);
		UNTIL(ends == i);
		ck_assert_uint_eq(maa.result.code, RESULT_APPLICATION_UNSUPPORTED);
		ck_assert_uint_eq(told[DIA_HUB_MISROUTED], i);
		ck_assert_int_eq(last_detail[0] != 0, i == 1);
	}
	ck_assert_uint_eq(told[DIA_HUB_PROTOCOL], 0);
}
END_TEST

SUITE_WITH_FIXTURE("dia_hub", setup, teardown, test_asked_and_answered, test_answered_later, test_later_is_too_late,
		   test_asked_again_while_all_ends, test_refused_ones_that_stay, test_no_frame, test_no_answer,
		   test_a_server_that_forgets_to_answer, test_what_no_message_can_carry, test_not_for_us,
		   test_lost_and_back, test_unknown_identity, test_other_address, test_admitted_no_more,
		   test_name_in_use, test_end_with_dpr, test_figures, test_silent_ones, test_noise, test_connections,
		   test_dial_elsewhere, test_dial_no_more, test_operator_disconnects, test_dialler_disconnects,
		   test_misrouted)
