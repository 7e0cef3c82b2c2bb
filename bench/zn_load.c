/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Load on a Zn server: so many BIRs, so many of them in flight on each of so many connections, over a list of B-TIDs. Each
 * answer must be 2001 with a key. One thread; what comes together is asked anew together.
 *
 * zn_load --identity ID --port N --realm REALM --btids FILE --naf FQDN [--gsid N]... [--requests N] [--connections N]
 * [--in-flight N] [--rate N]   With more than one connection their identities are 1.ID, 2.ID... A rate (BIRs a second) is for
 * one in flight; how long each took is told then. Prints one line of JSON. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include "bench/raw_link.h"
#include "bench/took.h"
#include "common/dia/zn_wire.h"
#include "dict/dict_gba.h"

#define CONNECTIONS_MAX 4096

static struct options {
	const char *identity, *realm, *btids, *naf;
	size_t n_gsids;
	int port;
	unsigned long requests, connections, in_flight, rate;
} opt = { .identity = "load.example.com",
	  .realm = "example.net",
	  .naf = "naf1.example.com",
	  .requests = 10000,
	  .connections = 1,
	  .in_flight = 64 };

static char **btids;
static size_t n_btids;
static struct naf_id naf;
static char gsids[8][ZN_GSID_MAX + 1];
static unsigned long n_sent, n_ok, n_bad;
static unsigned last_bad;
static double begun_s, asked_s;

static void usage(const char *what)
{
	fprintf(stderr,
		"zn_load: %s\nusage: zn_load --identity ID --port N --realm REALM --btids FILE "
		"--naf FQDN [--gsid N]... [--requests N] [--connections N] [--in-flight N] [--rate N]\n",
		what);
	exit(2);
}

static void read_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "identity", 1, NULL, 'i' },
		{ "connections", 1, NULL, 'c' },
		{ "port", 1, NULL, 'p' },
		{ "realm", 1, NULL, 'r' },
		{ "btids", 1, NULL, 'b' },
		{ "naf", 1, NULL, 'n' },
		{ "gsid", 1, NULL, 'g' },
		{ "requests", 1, NULL, 'm' },
		{ "in-flight", 1, NULL, 'f' },
		{ "rate", 1, NULL, 't' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'i':
			opt.identity = optarg;
			break;
		case 'c':
			opt.connections = strtoul(optarg, NULL, 10);
			break;
		case 'p':
			opt.port = atoi(optarg);
			break;
		case 'r':
			opt.realm = optarg;
			break;
		case 'b':
			opt.btids = optarg;
			break;
		case 'n':
			opt.naf = optarg;
			break;
		case 'g':
			if (opt.n_gsids < 8)
				snprintf(gsids[opt.n_gsids++], sizeof(gsids[0]), "%s", optarg);
			break;
		case 'm':
			opt.requests = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			opt.in_flight = strtoul(optarg, NULL, 10);
			break;
		case 't':
			opt.rate = strtoul(optarg, NULL, 10);
			break;
		default:
			usage("unknown option");
		}
	}
	if (!opt.btids || !opt.port || !opt.requests || !opt.in_flight || !opt.connections ||
	    opt.connections > CONNECTIONS_MAX)
		usage("--btids and --port are needed, and numbers above 0");
}

static void read_btids(void)
{
	char line[BTID_MAX + 2];
	size_t cap = 0;
	FILE *f = fopen(opt.btids, "r");

	if (!f)
		usage("cannot read the list of B-TIDs");
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!line[0])
			continue;
		if (n_btids == cap) {
			cap = cap ? 2 * cap : 1024;
			btids = realloc(btids, cap * sizeof(*btids));
			if (!btids)
				usage("no memory");
		}
		btids[n_btids++] = strdup(line);
	}
	fclose(f);
	if (!n_btids)
		usage("the list of B-TIDs is empty");
}

/* With one in flight nothing comes meanwhile. */
static void pace(void)
{
	double wait = took_until(begun_s, n_sent, opt.rate, raw_now_s());
	struct timespec t = { .tv_sec = (time_t)wait, .tv_nsec = (long)((wait - (double)(time_t)wait) * 1e9) };

	if (wait > 0)
		nanosleep(&t, NULL);
}

static void ask(struct raw_link *l)
{
	/* a stride that is prime to most list sizes: neighbours in time are not neighbours in the store */
	const char *btid = btids[n_sent * 7919 % n_btids];
	struct dia_self self = { l->identity, "example.com" };
	struct dia_address to = { .self = &self, .session_id = "load.example.com;1;2;zn", .realm = opt.realm };
	struct writer w;

	pace();
	asked_s = raw_now_s();
	to.hop_by_hop = to.end_to_end = (uint32_t)++n_sent;
	raw_room(l, &w);
	raw_wrote(l, zn_wire_bir_put(&w, &to, span_str(btid), &naf, (const char(*)[ZN_GSID_MAX + 1]) gsids, opt.n_gsids,
				     false));
}

static void on_bia(struct raw_link *l, struct span msg)
{
	struct zn_bia bia = { 0 };

	if (opt.connections * opt.in_flight == 1)
		took_add(raw_now_s() - asked_s);
	if (zn_wire_bia_get(&bia, msg) == 0 && bia.result.code == RESULT_SUCCESS && bia.me_key.len == 32) {
		n_ok++;
	} else {
		last_bad = bia.result.code;
		n_bad++;
	}
	zn_bia_clear(&bia);
	if (n_sent < opt.requests)
		ask(l);
}

static void connect_all(int epoll, struct raw_link **links)
{
	char name[256];

	for (unsigned long i = 0; i < opt.connections; i++) {
		snprintf(name, sizeof(name), "%lu.%s", i + 1, opt.identity);
		links[i] = raw_connect((uint16_t)opt.port, opt.connections > 1 ? name : NULL);
		raw_watch(epoll, links[i]->fd, links[i]);
	}
}

static void run(int epoll, struct raw_link **links)
{
	for (unsigned long i = 0; i < opt.connections; i++) {
		for (unsigned long k = 0; k < opt.in_flight && n_sent < opt.requests; k++)
			ask(links[i]);
		raw_flush(links[i]);
	}
	while (n_ok + n_bad < opt.requests) {
		void *ready[64];
		int n = raw_wait(epoll, ready, 64);

		for (int i = 0; i < n; i++)
			if (!raw_read(ready[i], on_bia))
				usage("the server has closed a connection");
	}
}

int main(int argc, char **argv)
{
	static struct raw_link *links[CONNECTIONS_MAX];
	int epoll = epoll_create1(0);
	double t0, t1;

	read_options(argc, argv);
	took_init(opt.requests);
	read_btids();
	if (naf_id_make(&naf, opt.naf, UA_ID_HTTP_DIGEST))
		usage("--naf is no FQDN");
	raw_init(opt.identity, "example.com", GBA_APP_ZN);
	connect_all(epoll, links);
	t0 = begun_s = raw_now_s();
	run(epoll, links);
	t1 = raw_now_s();
	printf("{\"requests\": %lu, \"ok\": %lu, \"errors\": %lu, \"last_error\": %u, \"seconds\": %.3f, \"rate\": "
	       "%.0f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"max_us\": %.0f}\n",
	       opt.requests, n_ok, n_bad, last_bad, t1 - t0, (double)opt.requests / (t1 - t0), took_us(0.5),
	       took_us(0.99), took_us(1));
	fflush(stdout);
	for (unsigned long i = 0; i < opt.connections; i++)
		raw_close(links[i]);
	return n_bad ? 1 : 0;
}
