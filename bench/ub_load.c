/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Load of Ub: many devices at once over kept connections, one thread, epoll. Prints what was done; the driver reads the
 * server's CPU. Device N has IMSI 001010000000000 + N and the K and OP of conf/subscribers.csv; the sequence number is
 * not checked (the card's part is not what is measured). */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/b64.h"
#include "common/base/hex.h"
#include "common/crypto/aka_digest.h"
#include "common/crypto/milenage.h"
#include "common/http/auth_hdr.h"
#include "common/http/challenge_hdr.h"

#define SLOTS_MAX 1024
#define BUF 8192
#define BSF_NAME "bsf.mnc001.mcc001.pub.3gppnetwork.org"

static struct {
	struct sockaddr_in to;
	unsigned slots, subscribers, first;
	uint64_t runs;
	FILE *btids;
} cfg = {.slots = 64, .subscribers = 1000, .first = 1, .runs = 10000};

static struct aka_cred cred;

struct slot {
	int fd;
	bool second; /* the answer to the second request is awaited */
	uint64_t started_ns;
	char username[64];
	char in[BUF];
	size_t in_len;
};

static struct slot slots[SLOTS_MAX];
static uint64_t begun, done, failed, total_ns, worst_ns;
static int last_bad_status;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "ub_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void send_request(struct slot *s, const struct auth_hdr *h)
{
	char value[2048], text[3072];
	int n;

	if (auth_hdr_format(value, sizeof(value), h) < 0)
		die("Authorization");
	n = snprintf(text, sizeof(text),
		     "GET / HTTP/1.1\r\nHost: " BSF_NAME "\r\nUser-Agent: ub_load 3gpp-gba-tmpi\r\n"
		     "Authorization: %s\r\n\r\n",
		     value);
	/* a request is smaller than an empty socket buffer: it goes at once or the connection is lost */
	if (send(s->fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		die("send");
}

static void first_request(struct slot *s)
{
	const struct auth_hdr h = {
		.username = span_str(s->username),
		.realm = span_str(BSF_NAME),
		.nonce = span_str(""),
		.uri = span_str("/"),
		.response = span_str(""),
	};

	s->second = false;
	send_request(s, &h);
}

static bool begin(struct slot *s)
{
	if (begun == cfg.runs)
		return false;
	snprintf(s->username, sizeof(s->username), "%015llu@ims.mnc001.mcc001.3gppnetwork.org",
		 1010000000000ull + cfg.first + begun % cfg.subscribers);
	begun++;
	s->started_ns = now_ns();
	first_request(s);
	return true;
}

static void second_request(struct slot *s, const struct challenge_hdr *c)
{
	static const char cnonce[] = "6629fae49393a05397450978507c4ef1";
	struct digest_input in = {
		.hash = DIGEST_MD5,
		.qop = DIGEST_QOP_AUTH_INT,
		.method = span_str("GET"),
		.uri = span_str("/"),
		.nonce = c->nonce,
		.nc = span_str("00000001"),
		.cnonce = span_str(cnonce),
	};
	struct digest_text response;
	struct secret res, ha1;
	uint8_t nonce[64];

	if (b64_decode(nonce, sizeof(nonce), c->nonce.p, c->nonce.len) < 32 ||
	    milenage_f2345(&res, NULL, NULL, NULL, NULL, &cred, nonce) < 0 ||
	    digest_ha1(&ha1, DIGEST_MD5, span_str(s->username), c->realm, span_of(res.b, res.len)) < 0 ||
	    digest_response(&response, &in, &ha1) < 0)
		die("digest");
	const struct auth_hdr h = {
		.username = span_str(s->username),
		.realm = c->realm,
		.nonce = c->nonce,
		.uri = in.uri,
		.response = span_str(response.hex),
		.algorithm = span_str("AKAv1-MD5"),
		.qop = span_str("auth-int"),
		.nc = in.nc,
		.cnonce = in.cnonce,
		.opaque = c->opaque,
	};

	s->second = true;
	send_request(s, &h);
}

/* Length of the message at the front of the buffer, 0 if it is not whole yet. */
static size_t message_length(const struct slot *s, size_t *head)
{
	const char *end = memmem(s->in, s->in_len, "\r\n\r\n", 4), *length;
	size_t body = 0;

	if (!end)
		return 0;
	*head = (size_t)(end + 4 - s->in);
	length = strcasestr(s->in, "\r\nContent-Length:");
	if (length && length < end)
		body = strtoul(length + 17, NULL, 10);
	return s->in_len >= *head + body ? *head + body : 0;
}

static void challenged(struct slot *s)
{
	const char *h = strcasestr(s->in, "\r\nWWW-Authenticate:"), *end;
	struct challenge_hdr c;

	if (!h)
		die("401 without challenge");
	h += 19;
	end = strstr(h, "\r\n");
	if (challenge_hdr_parse(&c, (const uint8_t *)h, (size_t)(end - h)) < 0)
		die("challenge not understood");
	second_request(s, &c);
}

static void finished(struct slot *s, size_t head)
{
	uint64_t took = now_ns() - s->started_ns;
	const char *btid = strstr(s->in + head, "<btid>"), *end = btid ? strchr(btid + 6, '<') : NULL;

	done++;
	total_ns += took;
	if (took > worst_ns)
		worst_ns = took;
	if (cfg.btids && end)
		fprintf(cfg.btids, "%.*s\n", (int)(end - btid - 6), btid + 6);
}

static void on_message(struct slot *s, size_t head)
{
	int status = atoi(s->in + 9);

	if (status == 401 && !s->second) {
		challenged(s);
		return;
	}
	if (status == 200 && s->second) {
		finished(s, head);
	} else {
		failed++;
		last_bad_status = status;
	}
	if (!begin(s)) {
		close(s->fd);
		s->fd = -1;
	}
}

static void on_readable(struct slot *s)
{
	size_t len, head;
	ssize_t n = recv(s->fd, s->in + s->in_len, sizeof(s->in) - 1 - s->in_len, 0);

	if (n <= 0)
		die("connection lost");
	s->in_len += (size_t)n;
	s->in[s->in_len] = '\0';
	while (s->fd >= 0 && (len = message_length(s, &head)) > 0) {
		on_message(s, head);
		memmove(s->in, s->in + len, s->in_len - len + 1);
		s->in_len -= len;
	}
}

static void open_slot(struct slot *s, int ep)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
	int one = 1;

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&cfg.to, sizeof(cfg.to)) < 0)
		die("connect");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &ev) < 0)
		die("epoll_ctl");
	if (!begin(s)) {
		close(s->fd);
		s->fd = -1;
	}
}

static void run(void)
{
	struct epoll_event ev[64];
	int ep = epoll_create1(EPOLL_CLOEXEC), n;

	for (unsigned i = 0; i < cfg.slots; i++)
		open_slot(&slots[i], ep);
	while (done + failed < cfg.runs) {
		n = epoll_wait(ep, ev, 64, 30000);
		if (n == 0) {
			fprintf(stderr, "ub_load: nothing came for 30 s\n");
			exit(1);
		}
		for (int i = 0; i < n; i++) {
			struct slot *s = ev[i].data.ptr;

			if (s->fd >= 0)
				on_readable(s);
		}
	}
	close(ep);
}

static void credentials(void)
{
	uint8_t octets[16];
	struct secret op;

	hex_decode(octets, 16, "465b5ce8b199b49faa5f0a2ee238a6bc", 32);
	secret_set(&cred.k, octets, 16);
	hex_decode(octets, 16, "cdc202d5123e20f62b6d676ac72cb318", 32);
	secret_set(&op, octets, 16);
	if (milenage_opc(&cred.opc, &cred.k, &op) < 0)
		die("OPc");
}

static void options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:s:f:r:b:")) != -1) {
		switch (c) {
		case 'n':
			cfg.slots = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			cfg.subscribers = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			cfg.first = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			cfg.runs = strtoull(optarg, NULL, 10);
			break;
		case 'b':
			cfg.btids = fopen(optarg, "w");
			if (!cfg.btids)
				die(optarg);
			break;
		default:
			optind = argc;
		}
	}
	if (argc - optind != 2 || cfg.slots == 0 || cfg.slots > SLOTS_MAX || cfg.subscribers == 0 || cfg.runs == 0) {
		fprintf(stderr,
			"usage: ub_load [-n in flight, 1..%d] [-s subscribers] [-f first] [-r runs] "
			"[-b file for B-TIDs] ADDRESS PORT\n",
			SLOTS_MAX);
		exit(1);
	}
	cfg.to.sin_family = AF_INET;
	cfg.to.sin_port = htons((uint16_t)atoi(argv[optind + 1]));
	if (inet_pton(AF_INET, argv[optind], &cfg.to.sin_addr) != 1)
		die(argv[optind]);
}

int main(int argc, char **argv)
{
	uint64_t start;
	double s;

	options(argc, argv);
	credentials();
	start = now_ns();
	run();
	s = (double)(now_ns() - start) / 1e9;
	printf("{\"runs\": %llu, \"failed\": %llu, \"seconds\": %.3f, \"per_second\": %.0f, \"mean_ms\": %.3f, "
	       "\"worst_ms\": %.3f}\n",
	       (unsigned long long)done, (unsigned long long)failed, s, (double)done / s,
	       done ? (double)total_ns / (double)done / 1e6 : 0, (double)worst_ns / 1e6);
	if (failed)
		fprintf(stderr, "ub_load: %llu runs failed, last status %d\n", (unsigned long long)failed,
			last_bad_status);
	if (cfg.btids)
		fclose(cfg.btids);
	return failed ? 2 : 0;
}
