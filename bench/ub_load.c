/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* UEs in C: bootstraps over Ub, so many at a time, each with its own connection or on kept ones. Every 401 is answered
 * with the right response (Milenage, RFC 3310), every 200 must be one. One thread; runs against gba-bsfd and mhd_fixed
 * alike.
 *
 * ub_load --port N --name BSF_NAME [--runs N] [--in-flight N] [--subscribers N] [--first N] [--keep] [--gba-u] [--rate N]
 * A rate: no more than so many begin in a second. Prints one line of JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <netinet/tcp.h>
#include "bench/card.h"
#include "bench/took.h"
#include "common/base/b64.h"
#include "common/crypto/gba_u.h"
#include "common/gba/impi.h"
#include "common/http/auth_hdr.h"
#include "common/http/challenge_hdr.h"

#define BUF_MAX    8192
#define FLIGHT_MAX 1024
#define CNONCE     "00112233445566778899aabbccddeeff"

enum step { IDLE, FIRST, SECOND }; /* IDLE: it begins when it is due */

struct ue {
	int fd;
	enum step step;
	unsigned long n; /* subscriber */
	double begun_s;
	char impi[IMPI_MAX + 1];
	size_t len; /* of what came in */
	char in[BUF_MAX];
};

static struct options {
	const char *name;
	int port, keep, gba_u;
	unsigned long runs, in_flight, subscribers, first, rate;
} opt = { .runs = 1000, .in_flight = 64, .subscribers = 1000000, .first = 0 };

static struct ue ues[FLIGHT_MAX];
static unsigned long started, finished, ok, refused, broken;
static int last_status, ep;
static double t0;

static void usage(const char *what)
{
	fprintf(stderr,
		"ub_load: %s\nusage: ub_load --port N --name BSF_NAME [--runs N] [--in-flight N] [--subscribers N] "
		"[--first N] [--keep] [--gba-u] [--rate N]\n",
		what);
	exit(2);
}

static void read_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "port", 1, NULL, 'p' },        { "name", 1, NULL, 'b' },
		{ "runs", 1, NULL, 'n' },        { "in-flight", 1, NULL, 'f' },
		{ "subscribers", 1, NULL, 's' }, { "first", 1, NULL, '1' },
		{ "keep", 0, NULL, 'k' },        { "gba-u", 0, NULL, 'u' },
		{ "rate", 1, NULL, 't' },        { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'p':
			opt.port = atoi(optarg);
			break;
		case 'b':
			opt.name = optarg;
			break;
		case 'n':
			opt.runs = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			opt.in_flight = strtoul(optarg, NULL, 10);
			break;
		case 's':
			opt.subscribers = strtoul(optarg, NULL, 10);
			break;
		case '1':
			opt.first = strtoul(optarg, NULL, 10);
			break;
		case 'k':
			opt.keep = 1;
			break;
		case 'u':
			opt.gba_u = 1;
			break;
		case 't':
			opt.rate = strtoul(optarg, NULL, 10);
			break;
		default:
			usage("unknown option");
		}
	}
	if (!opt.port || !opt.name || !opt.runs || !opt.subscribers || !opt.in_flight || opt.in_flight > FLIGHT_MAX)
		usage("--port and --name are needed; at most 1024 in flight");
}

static void ue_connect(struct ue *u)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)opt.port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = u };
	int one = 1;

	u->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* on loopback the handshake is done by the kernel: no waiting here */
	if (u->fd < 0 || connect(u->fd, (struct sockaddr *)&sa, sizeof(sa)))
		usage("cannot connect");
	setsockopt(u->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	epoll_ctl(ep, EPOLL_CTL_ADD, u->fd, &ev);
}

static void ue_disconnect(struct ue *u)
{
	close(u->fd);
	u->fd = -1;
}

static int send_request(struct ue *u, const struct auth_hdr *h)
{
	char value[AUTH_HDR_MAX], out[AUTH_HDR_MAX + 512];
	int n;

	if (auth_hdr_format(value, sizeof(value), h) < 0)
		return -EINVAL;
	n = snprintf(out, sizeof(out),
		     "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: gba-ue/0.1.0 3gpp-gba-tmpi\r\n"
		     "Accept: */*\r\nAuthorization: %s\r\n\r\n",
		     opt.name, value);
	u->len = 0;
	return send(u->fd, out, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -EPIPE;
}

static int send_first(struct ue *u)
{
	const struct auth_hdr h = {
		.username = span_str(u->impi),
		.realm = span_str(opt.name),
		.nonce = span_str(""),
		.uri = span_str("/"),
		.response = span_str(""),
	};

	u->step = FIRST;
	return send_request(u, &h);
}

static int send_second(struct ue *u, const struct challenge_hdr *c)
{
	const struct digest_input in = {
		.hash = DIGEST_MD5,
		.qop = DIGEST_QOP_AUTH_INT,
		.method = span_str("GET"),
		.uri = span_str("/"),
		.nonce = c->nonce,
		.nc = span_str("00000001"),
		.cnonce = span_str(CNONCE),
	};
	struct auth_hdr h = {
		.username = span_str(u->impi),
		.realm = c->realm,
		.nonce = c->nonce,
		.uri = span_str("/"),
		.algorithm = span_str("AKAv1-MD5"),
		.qop = span_str("auth-int"),
		.nc = in.nc,
		.cnonce = in.cnonce,
		.opaque = c->opaque,
	};
	struct secret res = { 0 }, ha1 = { 0 };
	struct digest_text response;
	uint8_t nonce[64];

	if (b64_decode(nonce, sizeof(nonce), c->nonce.p, c->nonce.len) < AKA_RAND_LEN + AKA_AUTN_LEN ||
	    aka_f2345(&res, NULL, NULL, NULL, NULL, &bench_card, nonce))
		return -EBADMSG;
	if (opt.gba_u)
		gba_u_res(&res);
	if (digest_ha1(&ha1, DIGEST_MD5, span_str(u->impi), c->realm, span_of(res.b, res.len)) ||
	    digest_response(&response, &in, &ha1))
		return -EBADMSG;
	h.response = span_str(response.hex);
	u->step = SECOND;
	return send_request(u, &h);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void begin(struct ue *u)
{
	u->step = IDLE;
	if (started == opt.runs) {
		if (u->fd >= 0)
			ue_disconnect(u);
		return;
	}
	u->begun_s = now_s();
	if (took_until(t0, started, opt.rate, u->begun_s) > 0)
		return;
	/* a stride over the subscribers, so that neighbours in time are not neighbours in the store */
	u->n = (opt.first + started++ * 7919) % opt.subscribers;
	snprintf(u->impi, sizeof(u->impi), "00101%010lu@ims.mnc001.mcc001.3gppnetwork.org", u->n);
	if (u->fd < 0)
		ue_connect(u);
	if (send_first(u))
		usage("cannot send");
}

static void end(struct ue *u, unsigned long *counter, int drop)
{
	took_add(now_s() - u->begun_s);
	(*counter)++;
	finished++;
	if (!opt.keep || drop)
		ue_disconnect(u);
	begin(u);
}

static char *header(char *head, const char *name)
{
	size_t len = strlen(name);
	char *line = head;

	while ((line = strstr(line, "\r\n"))) {
		line += 2;
		if (!strncasecmp(line, name, len) && line[len] == ':')
			return line + len + 1 + strspn(line + len + 1, " ");
	}
	return NULL;
}

/* A whole answer is in u->in, head ends at head_len. */
static void answered(struct ue *u)
{
	struct challenge_hdr c;
	char *www;

	last_status = atoi(u->in + 9);
	if (u->step == SECOND) {
		end(u, last_status == 200 ? &ok : &refused, last_status != 200);
		return;
	}
	www = last_status == 401 ? header(u->in, "WWW-Authenticate") : NULL;
	if (!www) {
		end(u, &refused, 1);
		return;
	}
	www[strcspn(www, "\r")] = '\0';
	if (challenge_hdr_parse(&c, (uint8_t *)www, strlen(www)) || send_second(u, &c))
		end(u, &broken, 1);
}

static void readable(struct ue *u)
{
	ssize_t n = recv(u->fd, u->in + u->len, sizeof(u->in) - 1 - u->len, MSG_DONTWAIT);
	char *head_end, *length;

	if (n <= 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		end(u, &broken, 1);
		return;
	}
	u->len += (size_t)n;
	u->in[u->len] = '\0';
	head_end = strstr(u->in, "\r\n\r\n");
	if (!head_end)
		return;
	length = header(u->in, "Content-Length");
	if (!length || u->len < (size_t)(head_end + 4 - u->in) + strtoul(length, NULL, 10))
		return;
	answered(u);
}

/* Those whose time has come. \returns ms until it comes for the next one */
static int begin_due(void)
{
	if (!opt.rate || started == opt.runs)
		return 30000;
	for (unsigned long i = 0; i < opt.in_flight; i++)
		if (ues[i].step == IDLE)
			begin(&ues[i]);
	return (int)(1000 * took_until(t0, started, opt.rate, now_s())) + 1;
}

int main(int argc, char **argv)
{
	struct epoll_event ev[FLIGHT_MAX];
	unsigned long i;
	int n, k, wait;

	read_options(argc, argv);
	took_init(opt.runs);
	ep = epoll_create1(EPOLL_CLOEXEC);
	t0 = now_s();
	for (i = 0; i < opt.in_flight; i++) {
		ues[i].fd = -1;
		begin(&ues[i]);
	}
	while (finished < opt.runs) {
		wait = begin_due();
		n = epoll_wait(ep, ev, FLIGHT_MAX, wait);
		if ((n == 0 && wait == 30000) || (n < 0 && errno != EINTR))
			usage("nothing comes any more");
		for (k = 0; k < n; k++)
			readable(ev[k].data.ptr);
	}
	printf("{\"runs\": %lu, \"ok\": %lu, \"refused\": %lu, \"broken\": %lu, \"last_status\": %d, \"seconds\": "
	       "%.3f, "
	       "\"rate\": %.0f, \"p50_us\": %.0f, \"p99_us\": %.0f}\n",
	       opt.runs, ok, refused, broken, last_status, now_s() - t0, (double)opt.runs / (now_s() - t0),
	       took_us(0.5), took_us(0.99));
	return ok == opt.runs ? 0 : 1;
}
