/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Load on a Zn server: so many BIRs, so many of them in flight, over a list of B-TIDs. Each answer must be 2001 with a
 * key.
 *
 * zn_load --identity ID --server ID --port N --realm REALM --btids FILE --naf FQDN [--gsid N] [--requests N]
 * [--in-flight N] Prints one line of JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/dia/dia_core.h"
#include "common/dia/dia_tx.h"
#include "common/dia/zn_codec.h"
#include "dict/dict_gba.h"

#define OPEN_WAIT_S 15

static struct options {
	const char *identity, *server, *realm, *btids, *naf, *gsid;
	int port;
	unsigned long requests, in_flight;
} opt = { .identity = "load.example.com",
	  .server = "bsf.example.net",
	  .realm = "example.net",
	  .naf = "naf1.example.com",
	  .requests = 10000,
	  .in_flight = 64 };

static char **btids;
static size_t n_btids;
static sem_t open_now, room;
static atomic_ulong n_ok, n_bad;
static atomic_uint last_bad;

static void usage(const char *what)
{
	fprintf(stderr,
		"zn_load: %s\nusage: zn_load --identity ID --server ID --port N --realm REALM --btids FILE "
		"--naf FQDN [--gsid N] [--requests N] [--in-flight N]\n",
		what);
	exit(2);
}

static void read_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "identity", 1, NULL, 'i' },  { "server", 1, NULL, 's' },
		{ "port", 1, NULL, 'p' },      { "realm", 1, NULL, 'r' },
		{ "btids", 1, NULL, 'b' },     { "naf", 1, NULL, 'n' },
		{ "gsid", 1, NULL, 'g' },      { "requests", 1, NULL, 'm' },
		{ "in-flight", 1, NULL, 'f' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'i':
			opt.identity = optarg;
			break;
		case 's':
			opt.server = optarg;
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
			opt.gsid = optarg;
			break;
		case 'm':
			opt.requests = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			opt.in_flight = strtoul(optarg, NULL, 10);
			break;
		default:
			usage("unknown option");
		}
	}
	if (!opt.btids || !opt.port || !opt.requests || !opt.in_flight)
		usage("--btids and --port are needed");
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

static void on_event(void *owner, enum dia_event ev, const char *peer, const char *detail)
{
	if (ev == DIA_EV_PEER_OPEN)
		sem_post(&open_now);
}

static void on_answer(void *owner, uint64_t txn, struct msg *m)
{
	struct zn_bia bia = { 0 };

	if (m && zn_bia_decode(&bia, m) == 0 && bia.result.code == RESULT_SUCCESS && bia.me_key.len == 32) {
		atomic_fetch_add(&n_ok, 1);
	} else {
		atomic_store(&last_bad, bia.result.code);
		atomic_fetch_add(&n_bad, 1);
	}
	zn_bia_clear(&bia);
	if (m)
		fd_msg_free(m);
	sem_post(&room);
}

static void connect_to_server(void)
{
	struct dia_cfg cfg = {
		.identity = opt.identity, .realm = "example.com", .n_peers = 1, .cb = { .event = on_event }
	};
	struct sockaddr_in *sa = (struct sockaddr_in *)&cfg.peers[0].addr;
	struct err err = { "" };
	struct timespec t;

	snprintf(cfg.peers[0].identity, sizeof(cfg.peers[0].identity), "%s", opt.server);
	*sa = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)opt.port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (dia_core_init(&cfg, &err) || dia_client(GBA_APP_ZN) || dia_tx_start(opt.in_flight) || dia_core_start(&err))
		usage(err.text);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += OPEN_WAIT_S;
	if (sem_timedwait(&open_now, &t))
		usage("no connection to the server");
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(void)
{
	char gsids[1][ZN_GSID_MAX + 1] = { "" };
	struct naf_id naf;
	unsigned long i;
	struct msg *m;

	if (opt.gsid)
		snprintf(gsids[0], sizeof(gsids[0]), "%s", opt.gsid);
	if (naf_id_make(&naf, opt.naf, UA_ID_HTTP_DIGEST))
		usage("--naf is no FQDN");
	for (i = 0; i < opt.requests; i++) {
		/* a stride that is prime to most list sizes: neighbours in time are not neighbours in the store */
		const char *btid = btids[i * 7919 % n_btids];

		while (sem_wait(&room) && errno == EINTR)
			;
		if (zn_bir_encode(&m, span_str(btid), &naf, (const char(*)[ZN_GSID_MAX + 1]) gsids, opt.gsid ? 1 : 0,
				  false, opt.realm, NULL) ||
		    dia_tx_request(&m, on_answer, NULL, i, 60000))
			usage("cannot send");
	}
	for (i = 0; i < opt.in_flight; i++) /* all answered */
		while (sem_wait(&room) && errno == EINTR)
			;
}

int main(int argc, char **argv)
{
	double t0, t1;

	read_options(argc, argv);
	read_btids();
	sem_init(&open_now, 0, 0);
	sem_init(&room, 0, (unsigned)opt.in_flight);
	connect_to_server();
	t0 = now_s();
	run();
	t1 = now_s();
	printf("{\"requests\": %lu, \"ok\": %lu, \"errors\": %lu, \"last_error\": %u, \"seconds\": %.3f, \"rate\": "
	       "%.0f}\n",
	       opt.requests, atomic_load(&n_ok), atomic_load(&n_bad), atomic_load(&last_bad), t1 - t0,
	       (double)opt.requests / (t1 - t0));
	fflush(stdout);
	dia_tx_stop();
	dia_core_stop();
	return atomic_load(&n_bad) ? 1 : 0;
}
