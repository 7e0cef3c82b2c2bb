/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* HSS of the benches: every IMPI exists, all have the key of 35.208 test set 1 and one GUSS. Vectors are real.
 *
 * hss_fixed IDENTITY REALM PORT [GUSS-FILE]; listens on 127.0.0.1, takes any peer; ends on SIGTERM. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/card.h"
#include "common/crypto/rng.h"
#include "common/dia/dia_core.h"
#include "common/dia/zh_codec.h"
#include "dict/dict_gba.h"

static uint8_t guss[65536];
static size_t guss_len;

static void on_mar(struct msg **m, void *owner)
{
	static _Atomic uint64_t sqn = 32;
	struct zh_maa maa = { .result = { .code = RESULT_SUCCESS },
			      .vector.kind = ZH_VECTOR_AKA,
			      .guss = span_of(guss, guss_len) };
	uint8_t rand[AKA_RAND_LEN];

	if (rng_fill(rand, sizeof(rand)) ||
	    aka_vector_make(&maa.vector.aka, &bench_card, rand, atomic_fetch_add(&sqn, 32) & 0xffffffffffff))
		return; /* 5012 */
	zh_maa_encode(m, &maa);
	zh_maa_clear(&maa);
}

static int on_accept(void *owner, const char *identity, const struct sockaddr *from)
{
	return 0;
}

int main(int argc, char **argv)
{
	struct dia_cfg cfg = { .n_listen = 1, .cb = { .accept = on_accept } };
	struct sockaddr_in *sa = (struct sockaddr_in *)&cfg.listen[0].addr;
	struct err err = { "" };
	sigset_t end;
	int sig;
	FILE *f;

	if (argc < 4) {
		fprintf(stderr, "usage: hss_fixed IDENTITY REALM PORT [GUSS-FILE]\n");
		return 2;
	}
	if (argc > 4) {
		f = fopen(argv[4], "r");
		if (!f) {
			perror(argv[4]);
			return 1;
		}
		guss_len = fread(guss, 1, sizeof(guss), f);
		fclose(f);
	}
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	pthread_sigmask(SIG_BLOCK, &end, NULL);
	cfg.identity = argv[1];
	cfg.realm = argv[2];
	*sa = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)atoi(argv[3])),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (dia_core_init(&cfg, &err) || dia_serve(GBA_APP_ZH, on_mar, NULL) || dia_core_start(&err)) {
		fprintf(stderr, "hss_fixed: %s\n", err.text);
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	sigwait(&end, &sig);
	dia_core_stop();
	return 0;
}
