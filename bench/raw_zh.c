/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Both ends of Zh at their least, over bare epoll sockets.
 *
 * raw_zh serve IDENTITY REALM PORT [GUSS-FILE]   the HSS of the benches: every IMPI exists, all have the key of 35.208 test
 *     set 1 and one GUSS, vectors are real; takes any peer, ends on SIGTERM
 * raw_zh ask REALM PORT EXCHANGES IN-FLIGHT      yardstick of the Ub bench: MARs with the AVPs gba-bsfd sends, answers read
 *     as far as where they end; prints one line of JSON with the CPU of this process per exchange */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include "bench/card.h"
#include "bench/raw_link.h"
#include "common/crypto/rng.h"
#include "common/dia/zh_wire.h"
#include "dict/dict_gba.h"

static struct dia_self self;
static uint8_t guss[65536];
static size_t guss_len;
static unsigned long n_sent, n_done, n_all;

static void on_mar(struct raw_link *l, struct span msg)
{
	static uint64_t sqn = 32;
	struct zh_maa maa = { .result.code = RESULT_SUCCESS,
			      .vector.kind = ZH_VECTOR_AKA,
			      .guss = span_of(guss, guss_len) };
	uint8_t rand[AKA_RAND_LEN];
	struct writer w;

	if (rng_fill(rand, sizeof(rand)) || aka_vector_make(&maa.vector.aka, &bench_card, rand, sqn & 0xffffffffffff))
		raw_die("vector");
	sqn += 32;
	raw_room(l, &w);
	raw_wrote(l, zh_wire_maa_put(&w, msg, &self, &maa));
	zh_maa_clear(&maa);
}

static void read_guss(const char *path)
{
	FILE *f = fopen(path, "r");

	if (!f)
		raw_die(path);
	guss_len = fread(guss, 1, sizeof(guss), f);
	fclose(f);
}

__attribute__((noreturn)) static void serve(uint16_t port)
{
	static char listener_mark;
	int epoll = epoll_create1(0), listener = raw_listen(port);

	raw_watch(epoll, listener, &listener_mark);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		void *ready[64];
		int n = raw_wait(epoll, ready, 64);

		for (int i = 0; i < n; i++) {
			if (ready[i] == &listener_mark) {
				struct raw_link *l = raw_accept(listener);

				raw_watch(epoll, l->fd, l);
			} else {
				raw_read(ready[i], on_mar);
			}
		}
	}
}

static void ask_one(struct raw_link *l)
{
	struct dia_address to = { .self = &self, .session_id = "mar-bench.example.com;1;2;zh", .realm = self.realm };
	struct zh_mar mar = { .impi.s = "001010000000001@ims.mnc001.mcc001.3gppnetwork.org",
			      .scheme = ZH_SCHEME_AKAV1 };
	struct writer w;

	to.hop_by_hop = to.end_to_end = (uint32_t)++n_sent;
	raw_room(l, &w);
	raw_wrote(l, zh_wire_mar_put(&w, &to, &mar));
}

static void on_maa(struct raw_link *l, struct span msg)
{
	n_done++;
	if (n_sent < n_all)
		ask_one(l);
}

static int ask(uint16_t port, unsigned long in_flight)
{
	int epoll = epoll_create1(0);
	struct raw_link *l = raw_connect(port, NULL);
	double before = raw_cpu_us();

	raw_watch(epoll, l->fd, l);
	while (n_sent < in_flight && n_sent < n_all)
		ask_one(l);
	raw_flush(l);
	while (n_done < n_all) {
		void *ready;

		raw_wait(epoll, &ready, 1);
		if (!raw_read(l, on_maa))
			raw_die("closed");
	}
	printf("{\"exchange_us\": %.2f}\n", (raw_cpu_us() - before) / (double)n_all);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 5 && strcmp(argv[1], "serve") == 0) {
		self = (struct dia_self){ argv[2], argv[3] };
		raw_init(argv[2], argv[3], GBA_APP_ZH);
		if (argc > 5)
			read_guss(argv[5]);
		serve((uint16_t)atoi(argv[4]));
	}
	if (argc == 6 && strcmp(argv[1], "ask") == 0) {
		self = (struct dia_self){ "mar-bench.example.com", argv[2] };
		raw_init(self.host, "example.com", GBA_APP_ZH);
		n_all = strtoul(argv[4], NULL, 10);
		return ask((uint16_t)atoi(argv[3]), strtoul(argv[5], NULL, 10));
	}
	fprintf(stderr,
		"usage: raw_zh serve IDENTITY REALM PORT [GUSS-FILE]\n       raw_zh ask REALM PORT EXCHANGES IN-FLIGHT\n");
	return 2;
}
