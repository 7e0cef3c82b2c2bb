/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Yardstick of the Zn bench: what a BIR costs at least. A bare epoll server that opens one sealed record of the size of a
 * session and derives one Ks_NAF for each BIR, as gba-bsfd does, and else reads nothing: the answer is always the same
 * octets, with the request's ids and Session-Id.
 *
 * raw_zn IDENTITY REALM PORT RECORD-OCTETS; listens on 127.0.0.1, takes any peer, ends on SIGTERM. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include "bench/raw_link.h"
#include "common/crypto/kdf.h"
#include "common/crypto/seal.h"
#include "common/dia/zn_wire.h"
#include "dict/dict_gba.h"

#define LINKS_MAX 64

static struct seal *seal;
static struct span sealed;
static struct naf_id naf;
static uint8_t tail[1024]; /* all of the answer behind Session-Id */
static size_t tail_len, key_at;

static void seal_one(size_t octets)
{
	struct seal_kek kek = { .id = 1, .key = { .len = SEAL_KEK_LEN } };
	struct err err = { "" };
	uint8_t *plain = calloc(1, octets), *out = malloc(octets + SEAL_OVERHEAD);
	int n;

	seal = seal_new(&kek, 1, &err);
	n = seal && plain && out
		    ? seal_put(seal, out, octets + SEAL_OVERHEAD, span_of(plain, octets), span_str("bench"))
		    : -1;
	if (n < 0 || naf_id_make(&naf, "naf1.example.com", UA_ID_HTTP_DIGEST))
		raw_die("seal");
	sealed = span_of(out, (size_t)n);
	free(plain);
}

/* The answer to a request with an empty Session-Id, by our own codec: what follows that AVP is the tail. */
static void make_tail(const char *identity, const char *realm)
{
	struct dia_self self = { identity, realm };
	struct zn_bia bia = { .result.code = RESULT_SUCCESS,
			      .me_key = { .len = 32 },
			      .has_times = true,
			      .expires_at = time(NULL) + 3600,
			      .created_at = time(NULL),
			      .impi.s = "001010000000001@ims.mnc001.mcc001.3gppnetwork.org" };
	uint8_t request[256], answer[1024];
	struct dia_address to = { .self = &self, .session_id = "s", .realm = realm, .hop_by_hop = 1, .end_to_end = 1 };
	struct writer w;
	struct dia_avp a;
	int len;

	memset(bia.me_key.b, 0xa5, 32);
	writer_init(&w, request, sizeof(request));
	len = zn_wire_bir_put(&w, &to, span_str("b"), &naf, NULL, 0, false);
	if (len < 0)
		raw_die("request");
	writer_init(&w, answer, sizeof(answer));
	len = zn_wire_bia_put(&w, span_of(request, (size_t)len), &self, &bia);
	if (len < 0)
		raw_die("answer");
	tail_len = (size_t)len - DIA_HDR_LEN - 12; /* Session-Id "s" has 12 octets */
	memcpy(tail, answer + len - tail_len, tail_len);
	if (!dia_wire_find(&a, dia_wire_avps(span_of(answer, (size_t)len)), AVP_ME_KEY))
		raw_die("key");
	key_at = (size_t)(a.data.p - (answer + len - tail_len));
}

static void on_bir(struct raw_link *l, struct span msg)
{
	static uint8_t plain[65536];
	struct dia_iter it = dia_wire_avps(msg);
	struct dia_hdr hdr;
	struct dia_avp session;
	struct secret ks = { .len = 32 }, key = { 0 };
	struct writer w;

	dia_wire_hdr(&hdr, msg.p);
	if (dia_wire_next(&it, &session) != 1 || seal_open(seal, plain, sizeof(plain), sealed, span_str("bench")) < 0 ||
	    kdf_ks_naf(&key, KDF_KS_NAF, &ks, plain, span_str("001010000000001@ims.mnc001.mcc001.3gppnetwork.org"),
		       span_of(naf.raw, naf.len)))
		raw_die("BIR");
	raw_room(l, &w);
	hdr.flags &= (uint8_t)~DIA_CMD_R;
	dia_wire_begin(&w, &hdr);
	dia_wire_put_whole(&w, session.whole);
	memcpy(tail + key_at, key.b, 32);
	writer_put(&w, tail, tail_len);
	raw_wrote(l, dia_wire_end(&w));
}

int main(int argc, char **argv)
{
	static char listener_mark;
	int epoll = epoll_create1(0), listener;

	if (argc < 5) {
		fprintf(stderr, "usage: raw_zn IDENTITY REALM PORT RECORD-OCTETS\n");
		return 2;
	}
	raw_init(argv[1], argv[2], GBA_APP_ZN);
	seal_one(strtoul(argv[4], NULL, 10));
	make_tail(argv[1], argv[2]);
	listener = raw_listen((uint16_t)atoi(argv[3]));
	raw_watch(epoll, listener, &listener_mark);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		void *ready[LINKS_MAX];
		int n = raw_wait(epoll, ready, LINKS_MAX);

		for (int i = 0; i < n; i++) {
			if (ready[i] == &listener_mark) {
				struct raw_link *l = raw_accept(listener);

				raw_watch(epoll, l->fd, l);
			} else {
				raw_read(ready[i], on_bir);
			}
		}
	}
}
