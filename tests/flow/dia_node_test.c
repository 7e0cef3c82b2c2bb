/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The Diameter node with real freeDiameter at both ends: one process serves Zn as a BSF does, another per case asks.
 * The first process only forks and compares; it never starts a node itself. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "common/dia/dia_core.h"
#include "common/dia/dia_patience.h"
#include "common/dia/dia_tx.h"
#include "common/dia/zh_codec.h"
#include "common/dia/zn_codec.h"
#include "dict/dict_gba.h"
#include "tests/flow/dia_check.h"
#include "tests/flow/dia_raw.h"

#define SERVER    "bsf.example.net"
#define REALM     "example.net"
#define BSF_NAME  "bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define BTID      "I1U8vpY3qJ0hiuZNrke/NQ==@" BSF_NAME
#define KEY_OCTET 0x37

/* Shared between all processes: what the server's node told. */
static struct shared {
	sem_t event[DIA_EV_OVER + 1]; /* one post per event */
	sem_t served;
	char detail[DIA_EV_OVER + 1][160];
	atomic_uint logs_with_key, log_lines;
} * shared;

static uint16_t port;

/* ---- the serving process ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct msg *later[16];
static unsigned n_later;
static sem_t later_ready;

static void fill(struct msg **m)
{
	struct zn_bia bia = {
		.result = { .code = RESULT_SUCCESS }, .has_times = true, .expires_at = 2000, .created_at = 1000
	};

	memset(bia.me_key.b, KEY_OCTET, 32);
	bia.me_key.len = 32;
	CHECK(zn_bia_encode(m, &bia) == 0);
}

/* GSID 1: answer at once; 2: by another thread; 3: by another thread when the case says so; 4: leave it as it is */
static void on_bir(struct msg **m, void *owner)
{
	struct result bad;
	struct zn_bir bir;

	CHECK(owner == shared);
	if (zn_bir_decode(&bir, *m, &bad)) {
		CHECK(zn_bia_encode(m, &(struct zn_bia){ .result = bad }) == 0);
		return;
	}
	CHECK(!strncmp(bir.peer, "naf", 3) && !strcmp(bir.origin_host, bir.peer));
	sem_post(&shared->served);
	if (!strcmp(bir.gsids[0], "4"))
		return;
	if (!strcmp(bir.gsids[0], "1")) {
		fill(m);
		return;
	}
	pthread_mutex_lock(&lock);
	later[n_later++] = *m;
	pthread_mutex_unlock(&lock);
	*m = NULL;
	if (!strcmp(bir.gsids[0], "2"))
		sem_post(&later_ready);
}

static void *answerer(void *arg)
{
	struct msg *m;

	while (!sem_wait(&later_ready)) {
		pthread_mutex_lock(&lock);
		m = later[--n_later];
		pthread_mutex_unlock(&lock);
		fill(&m);
		CHECK(dia_tx_answer(&m) == 0 && m == NULL);
	}
	return NULL;
}

static void on_server_event(void *owner, enum dia_event ev, const char *peer, const char *detail)
{
	snprintf(shared->detail[ev], sizeof(shared->detail[ev]), "%s: %s", peer, detail);
	sem_post(&shared->event[ev]);
}

static void on_server_log(void *owner, enum dia_log_level level, const char *text)
{
	atomic_fetch_add(&shared->log_lines, 1);
	if (strstr(text, "37373737") || strstr(text, "37 37") || strstr(text, "7777") || strstr(text, "val="))
		atomic_fetch_add(&shared->logs_with_key, 1);
}

/* naf-far is known, but at another address */
static int on_accept(void *owner, const char *identity, const struct sockaddr *from)
{
	const struct sockaddr_in *sa = (const struct sockaddr_in *)from;

	CHECK(from->sa_family == AF_INET && sa->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	if (!strcmp(identity, "naf-far.example.com"))
		return -EPERM;
	return !strncmp(identity, "naf", 3) ? 0 : -ENOENT;
}

static int on_realm(void *owner, const char *realm)
{
	return strcasecmp(realm, BSF_NAME) ? -ENOENT : 0;
}

/* The library tells of a loss before the peer's state changes, and of the change not at all. An answer in between may still
 * go to the dead connection, without an error. */
static void wait_closed(const char *peer)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int i;

	for (i = 0; i < WAIT_S * 1000 && dia_peer_is_open(peer); i++)
		nanosleep(&ms, NULL);
}

static int server(int ready_fd, int stop_fd)
{
	struct dia_cfg cfg = {
		.identity = SERVER,
		.realm = REALM,
		.n_listen = 1,
		.n_peers = 1,
		.relay = true,
		.cb = { .event = on_server_event, .log = on_server_log, .accept = on_accept, .realm_is_ours = on_realm }
	};
	struct err err = { "" };
	pthread_t thread;
	char c;

	fd_g_debug_lvl = FD_LOG_ERROR;
	sem_init(&later_ready, 0, 0);
	cfg.listen[0].addr = loopback("127.0.0.1", port);
	/* an HSS we connect to, at an address where nobody is */
	strcpy(cfg.peers[0].identity, "hss.example.net");
	strcpy(cfg.peers[0].realm, "home.example");
	cfg.peers[0].addr = loopback("127.0.0.2", 9);
	if (dia_core_init(&cfg, &err) || dia_serve(GBA_APP_ZN, on_bir, shared) || dia_client(GBA_APP_ZH) ||
	    dia_tx_start(64) || dia_core_start(&err))
		fail(err.text);
	CHECK(dia_serve(GBA_APP_ZN, on_bir, shared) == -EINVAL && dia_serve(4711, on_bir, shared) == -EINVAL);
	CHECK(dia_core_init(&cfg, &err) == -EALREADY);
	CHECK(pthread_create(&thread, NULL, answerer, NULL) == 0);
	CHECK(write(ready_fd, "r", 1) == 1);
	while (read(stop_fd, &c, 1) == 1) { /* 'a': answer what waits */
		wait_closed("naf-gone.example.com");
		sem_post(&later_ready);
	}
	dia_tx_stop();
	dia_core_stop();
	return 0;
}

/* ---- the asking processes ---- */

static sem_t client_open, client_over, answered;
static struct result result;
static bool with_key;
static uint64_t answered_txn;

static void on_client_event(void *owner, enum dia_event ev, const char *peer, const char *detail)
{
	if (ev == DIA_EV_PEER_OPEN)
		sem_post(&client_open);
	if (ev == DIA_EV_OVER)
		sem_post(&client_over);
}

static void on_bia(void *owner, uint64_t txn, struct msg *m)
{
	struct zn_bia bia;

	CHECK(owner == &result && m != NULL);
	CHECK(zn_bia_decode(&bia, m) == 0);
	result = bia.result;
	answered_txn = txn;
	with_key = bia.me_key.len == 32 && bia.me_key.b[31] == KEY_OCTET;
	zn_bia_clear(&bia);
	fd_msg_free(m);
	sem_post(&answered);
}

static void client_start(const char *identity)
{
	struct dia_cfg cfg = {
		.identity = identity, .realm = "example.com", .n_peers = 1, .cb = { .event = on_client_event }
	};
	struct err err = { "" };

	sem_init(&client_open, 0, 0);
	sem_init(&client_over, 0, 0);
	sem_init(&answered, 0, 0);
	strcpy(cfg.peers[0].identity, SERVER); /* for any realm */
	cfg.peers[0].addr = loopback("127.0.0.1", port);
	if (dia_core_init(&cfg, &err) || dia_client(GBA_APP_ZN) || dia_client(GBA_APP_ZH) || dia_tx_start(64) ||
	    dia_core_start(&err))
		fail(err.text);
}

static void client_open_now(const char *identity)
{
	client_start(identity);
	CHECK(wait_sem(&client_open, WAIT_S) == 0);
	CHECK(dia_peer_is_open(SERVER));
}

static void client_stop(void)
{
	dia_tx_stop();
	dia_core_stop();
	CHECK(!dia_peer_is_open(SERVER));
}

static void ask_no_wait(const char *gsid, const char *realm, const char *host)
{
	static uint64_t txn = 0xfedcba9876543210;
	char gsids[1][ZN_GSID_MAX + 1];
	struct naf_id naf;
	struct msg *m;

	snprintf(gsids[0], sizeof(gsids[0]), "%s", gsid);
	CHECK(naf_id_make(&naf, "naf1.example.com", UA_ID_HTTP_DIGEST) == 0);
	CHECK(zn_bir_encode(&m, span_str(BTID), &naf, (const char(*)[ZN_GSID_MAX + 1]) gsids, 1, false, realm, host) ==
	      0);
	CHECK(dia_tx_request(&m, on_bia, &result, ++txn, WAIT_S * 1000) == 0 && m == NULL);
}

static uint32_t ask(const char *gsid, const char *realm, const char *host)
{
	static uint64_t txn = 0xfedcba9876543210;

	memset(&result, 0, sizeof(result));
	with_key = false;
	ask_no_wait(gsid, realm, host);
	CHECK(wait_sem(&answered, WAIT_S) == 0);
	CHECK(answered_txn == ++txn);
	if (getenv("DIA_DEBUG"))
		printf("# code %u\n", result.code);
	CHECK(with_key == (result.code == RESULT_SUCCESS));
	return result.code;
}

static uint32_t ask_hss(const char *realm)
{
	struct zh_mar mar = { .impi = { "u@example.net" }, .scheme = ZH_SCHEME_AKAV1 };
	struct msg *m;

	CHECK(zh_mar_encode(&m, &mar, realm, NULL) == 0);
	CHECK(dia_tx_request(&m, on_bia, &result, 1, WAIT_S * 1000) == 0);
	CHECK(wait_sem(&answered, WAIT_S) == 0);
	return result.code;
}

/* ---- the cases; each runs in a process of its own ---- */

static int case_answers(void)
{
	client_open_now("naf1.example.com");
	CHECK(ask("1", REALM, NULL) == 2001);    /* on the thread of the library */
	CHECK(ask("2", REALM, NULL) == 2001);    /* from another thread */
	CHECK(ask("1", BSF_NAME, NULL) == 2001); /* realm taken from the B-TID */
	CHECK(ask("2", BSF_NAME, NULL) == 2001);
	CHECK(ask("1", "BSF.mnc001.MCC001.pub.3gppnetwork.org", NULL) == 2001);
	CHECK(ask("1", "elsewhere.example", SERVER) == 2001); /* our name as Destination-Host: ours (RFC 6733 6.1.4) */
	CHECK(ask("4", REALM, NULL) == 5012);                 /* not answered by its owner */
	CHECK(ask("4", BSF_NAME, NULL) == 5012);
	client_stop();
	return 0;
}

static int case_realm_refused(void)
{
	client_open_now("naf1.example.com");
	CHECK(ask("1", "elsewhere.example", NULL) == 3003);
	CHECK(wait_sem(&shared->event[DIA_EV_REALM], WAIT_S) == 0);
	CHECK(strstr(shared->detail[DIA_EV_REALM], "naf1.example.com: DIAMETER_REALM_NOT_SERVED"));
	CHECK(ask("1", REALM, "other.example.net") == 3002);
	CHECK(wait_sem(&shared->event[DIA_EV_REALM], WAIT_S) == 0);
	CHECK(ask("1", BSF_NAME, "hss.example.net") == 3002); /* nothing passes through to another peer of ours */
	CHECK(wait_sem(&shared->event[DIA_EV_REALM], WAIT_S) == 0);
	client_stop();
	return 0;
}

static int case_other_application(void)
{
	client_open_now("naf1.example.com");
	CHECK(ask_hss(REALM) == 3001); /* we are client of Zh, nobody's HSS */
	CHECK(ask_hss(BSF_NAME) == 3001);
	CHECK(wait_sem(&shared->event[DIA_EV_PROTOCOL], WAIT_S) == 0);
	client_stop();
	return 0;
}

static int case_malformed(void) /* missing AVP through both ways */
{
	const char *realms[] = { REALM, BSF_NAME };
	struct avp *avp;
	struct msg *m;
	size_t i;

	client_open_now("naf1.example.com");
	for (i = 0; i < 2; i++) {
		struct naf_id naf;

		CHECK(naf_id_make(&naf, "naf1.example.com", UA_ID_HTTP_DIGEST) == 0);
		CHECK(zn_bir_encode(&m, span_str(BTID), &naf, NULL, 0, false, realms[i], NULL) == 0);
		CHECK(fd_msg_browse(m, MSG_BRW_LAST_CHILD, &avp, NULL) == 0);
		CHECK(fd_msg_free(avp) == 0); /* NAF-Id */
		CHECK(dia_tx_request(&m, on_bia, &result, 1, WAIT_S * 1000) == 0);
		CHECK(wait_sem(&answered, WAIT_S) == 0);
		CHECK(result.code == RESULT_MISSING_AVP);
	}
	client_stop();
	return 0;
}

static int case_library_ends(void) /* as it does after an error in one of its threads: whoever runs it must know */
{
	client_open_now("naf1.example.com");
	dia_patience();
	CHECK(fd_core_shutdown() == 0);
	CHECK(wait_sem(&client_over, WAIT_S) == 0);
	CHECK(!dia_peer_is_open(SERVER));
	client_stop();
	CHECK(sem_trywait(&client_over) != 0);
	return 0;
}

static int case_unknown_peer(void)
{
	client_start("stranger.example.com");
	CHECK(wait_sem(&shared->event[DIA_EV_PEER_UNKNOWN], WAIT_S) == 0);
	CHECK(strstr(shared->detail[DIA_EV_PEER_UNKNOWN], "stranger.example.com"));
	CHECK(!dia_peer_is_open(SERVER));
	CHECK(ask("1", REALM, NULL) == 3002); /* made by the library: nobody to send it to */
	client_stop();
	return 0;
}

static int case_wrong_address(void)
{
	client_start("naf-far.example.com");
	CHECK(wait_sem(&shared->event[DIA_EV_PEER_ADDRESS], WAIT_S) == 0);
	CHECK(strstr(shared->detail[DIA_EV_PEER_ADDRESS], "naf-far.example.com"));
	CHECK(!dia_peer_is_open(SERVER));
	client_stop();
	return 0;
}

static int case_name_of_our_hss(void) /* the library does not validate peers it knows: we do */
{
	client_start("hss.example.net");
	CHECK(wait_sem(&shared->event[DIA_EV_PEER_ADDRESS], WAIT_S) == 0);
	CHECK(strstr(shared->detail[DIA_EV_PEER_ADDRESS], "hss.example.net"));
	_exit(0); /* the library loses its unanswered CER when it stops now: no leak of ours */
}

static int case_leaves_before_answer(void) /* the answer then has nowhere to go; its key must not show anywhere */
{
	client_open_now("naf-gone.example.com");
	ask_no_wait("3", REALM, NULL);
	CHECK(wait_sem(&shared->served, WAIT_S) == 0);
	_exit(0);
}

static int case_queue(void)
{
	struct naf_id naf;
	struct msg *m;

	client_open_now("naf1.example.com");
	dia_tx_stop();
	CHECK(naf_id_make(&naf, "naf1.example.com", UA_ID_HTTP_DIGEST) == 0);
	CHECK(zn_bir_encode(&m, span_str(BTID), &naf, NULL, 0, false, REALM, NULL) == 0);
	CHECK(dia_tx_request(&m, on_bia, &result, 1, WAIT_S * 1000) == -EBUSY && m != NULL);
	CHECK(dia_tx_answer(&m) == -EBUSY && m != NULL);
	fd_msg_free(m);
	CHECK(dia_tx_start(4) == 0 && dia_tx_start(4) == -EALREADY);
	CHECK(ask("1", REALM, NULL) == 2001);
	client_stop();
	return 0;
}

static int case_port_taken(void)
{
	struct dia_cfg cfg = { .identity = "naf2.example.com", .realm = "example.com", .n_listen = 1 };
	struct err err = { "" };
	char text[32];

	cfg.listen[0].addr = loopback("127.0.0.1", port);
	CHECK(dia_core_init(&cfg, &err) == -EADDRINUSE);
	snprintf(text, sizeof(text), "127.0.0.1 port %u", port);
	CHECK(strstr(err.text, text));
	cfg.n_listen = 0;
	CHECK(dia_core_init(&cfg, &err) == -EINVAL);
	return 0;
}

static int case_no_names(void) /* of who connects the library asks the DNS, on the one thread that accepts */
{
	struct sockaddr_storage sa = loopback("127.0.0.1", 9);
	char host[64];

	CHECK(getnameinfo((struct sockaddr *)&sa, sizeof(struct sockaddr_in), host, sizeof(host), NULL, 0, 0) == 0);
	CHECK(!strcmp(host, "127.0.0.1"));
	return 0;
}

/* ---- a peer made of octets ---- */

/* \returns octets that came back; 0: the connection was closed */
static ssize_t raw_exchange(int fd)
{
	static uint8_t in[4096];
	ssize_t n;

	raw_send(fd);
	n = recv(fd, in, sizeof(in), 0);
	return n < 0 && errno == ECONNRESET ? 0 : n;
}

static void raw_refused(void)
{
	int fd = raw_connect(port);

	CHECK(raw_exchange(fd) == 0);
	close(fd);
}

static int case_octets_that_would_end_the_library(void)
{
	static const uint8_t lengths[] = { 0, 1, 2, 3, 4, 19 };
	size_t i;
	int fd;

	for (i = 0; i < sizeof(lengths); i++) { /* of a message, in its head */
		fd = raw_connect(port);
		raw_begin(257, 0x80, 0);
		raw[3] = lengths[i];
		CHECK(send(fd, raw, 20, MSG_NOSIGNAL) == 20);
		CHECK(recv(fd, raw, sizeof(raw), 0) <= 0);
		close(fd);
	}
	raw_capabilities("naf1.example.com"); /* an AVP that is no identifier among the identifiers */
	raw_avp(260, 0x40, 0, "\0\0\x27\x0f\0\0\0\x08", 8);
	raw_refused();
	raw_begin(257, 0x80, 0); /* an Origin-Host of vendor 0 */
	raw_avp(264, 0x80, 0, "naf1.example.com", 16);
	raw_text(264, "naf1.example.com");
	raw_refused();
	fd = raw_connect(port); /* and of a peer that was let in */
	raw_capabilities("naf1.example.com");
	CHECK(raw_exchange(fd) > 20);
	raw_begin(310, 0xc0, 16777220);
	raw_avp(263, 0x80, 0, "session", 7);
	raw_text(283, REALM);
	raw_text(264, "naf1.example.com");
	raw_text(296, "example.com");
	CHECK(raw_exchange(fd) == 0);
	close(fd);
	client_open_now("naf2.example.com");
	CHECK(ask("1", REALM, NULL) == 2001);
	client_stop();
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = {
	{ "answers", case_answers },
	{ "realm refused", case_realm_refused },
	{ "other application", case_other_application },
	{ "malformed", case_malformed },
	{ "the library ends by itself", case_library_ends },
	{ "unknown peer", case_unknown_peer },
	{ "wrong address", case_wrong_address },
	{ "name of our HSS from elsewhere", case_name_of_our_hss },
	{ "queue", case_queue },
	{ "port taken", case_port_taken },
	{ "no names of addresses", case_no_names },
	{ "octets that would end the library", case_octets_that_would_end_the_library },
	{ "leaves before the answer", case_leaves_before_answer },
};

static pid_t spawn(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(60);
	}
	return pid;
}

static bool child_ok(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void drain(sem_t *s)
{
	while (sem_trywait(s) == 0)
		;
}

int main(void)
{
	int ready[2], stop[2], failed = 0;
	struct timespec t0, t1;
	pid_t pid, bsf;
	size_t i;
	char c;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED && !pipe(ready) && !pipe(stop));
	for (i = 0; i <= DIA_EV_OVER; i++)
		sem_init(&shared->event[i], 1, 0);
	sem_init(&shared->served, 1, 0);
	port = free_port();
	bsf = spawn();
	if (!bsf) {
		close(stop[1]);
		alarm(0);
		exit(server(ready[1], stop[0])); /* with the leak check of a sanitizer build */
	}
	close(ready[1]);
	close(stop[0]);
	CHECK(read(ready[0], &c, 1) == 1);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		drain(&shared->served);
		pid = spawn();
		if (!pid) {
			close(stop[1]);
			exit(cases[i].run());
		}
		if (!child_ok(pid))
			failed++;
		printf("%s - %s\n", failed ? "not ok" : "ok", cases[i].name);
		if (failed)
			break;
	}
	if (!failed) { /* the last case left a request behind */
		drain(&shared->event[DIA_EV_UNSENT]);
		do /* those of earlier cases may still come */
			CHECK(wait_sem(&shared->event[DIA_EV_PEER_CLOSED], WAIT_S) == 0);
		while (!strstr(shared->detail[DIA_EV_PEER_CLOSED], "naf-gone"));
		CHECK(write(stop[1], "a", 1) == 1);
		CHECK(wait_sem(&shared->event[DIA_EV_UNSENT], WAIT_S) == 0);
		CHECK(!strcmp(shared->detail[DIA_EV_UNSENT], "naf-gone.example.com: its connection has gone"));
	}
	clock_gettime(CLOCK_MONOTONIC, &t0);
	close(stop[1]);
	failed += !child_ok(bsf);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	CHECK(t1.tv_sec - t0.tv_sec < 5);
	CHECK(atomic_load(&shared->logs_with_key) == 0);
	printf("%s - %u lines of the library in the log, none with a key\n", failed ? "not ok" : "ok",
	       atomic_load(&shared->log_lines));
	return failed ? 1 : 0;
}
