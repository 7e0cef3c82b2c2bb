/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/flow/hub_world.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct hub_world w;
static uint8_t guss[80000];

static const char *const realms[] = { REALM };

void hub_world_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	w.told[ev]++;
	snprintf(w.last_detail, sizeof(w.last_detail), "%s", detail);
}

static int may_come(void *owner, const char *identity, const struct sockaddr *from)
{
	return strcmp(identity, w.only) ? -ENOENT : w.refuse_address ? -EPERM : 0;
}

static void limits(void *owner, const char *identity, struct dia_hub_limits *out)
{
	out->connections = w.connections;
}

static int put_maa(struct writer *out, struct span request, const struct dia_self *self, const void *answer)
{
	return zh_wire_maa_put(out, request, self, answer);
}

int hub_world_put_mar(struct writer *out, const struct dia_address *to, const void *what)
{
	return zh_wire_mar_put(out, to, what);
}

void hub_world_reply(struct dia_reply *r)
{
	struct zh_maa m = { .result.code = RESULT_SUCCESS, .guss = span_of(guss, w.guss_len) };

	dia_reply_put(r, put_maa, &m);
}

static void on_mar(void *owner, struct dia_reply *r)
{
	struct zh_mar mar;
	struct dia_fault bad;

	w.served++;
	if (w.drop) {
		dia_reply_drop(r);
	} else if (zh_wire_mar_get(&mar, dia_reply_request(r), &bad) < 0) {
		dia_reply_refuse(r, &bad);
	} else if (w.keep) {
		if (w.kept)
			dia_reply_drop(w.kept); /* of many the last one */
		w.kept = dia_reply_keep(r);
		ck_assert_str_eq(dia_reply_peer(w.kept), BSF);
	} else if (!w.serve_nothing) {
		hub_world_reply(r);
	}
}

static const struct dia_hub_service services[] = { { .grammar = &zh_wire_mar, .fn = on_mar } };
static const uint32_t zh[] = { GBA_APP_ZH };

void hub_world_turn(int ms)
{
	dia_loop_wait(w.loop, ms);
	dia_loop_turn(w.loop, 64);
}

void hub_world_hss(void)
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
		.cb = { .event = hub_world_event, .admit = may_come, .limits = limits },
	};
	struct err err;

	cfg.listen[0] = w.hss_at;
	w.hss = dia_hub_new(w.loop, &cfg);
	ck_assert(w.hss && dia_hub_listen(w.hss, &err) == 0);
}

void hub_world_bsf(void)
{
	struct dia_hub_cfg cfg = {
		.self = { BSF, REALM },
		.client_apps = zh,
		.n_client_apps = 1,
		.tc_ms = 1000,
		.state_id = 1,
	};

	w.bsf = dia_hub_new(w.loop, &cfg);
	ck_assert(w.bsf && dia_hub_dial(w.bsf, HSS, &w.hss_at, false) == 0);
	ck_assert_int_eq(dia_hub_dial(w.bsf, HSS, &w.hss_at, false), -EEXIST);
}

void hub_world_setup(void)
{
	w = (struct hub_world){ .only = BSF, .connections = 1 };
	w.loop = dia_loop_new();
	w.hss_at = free_port();
	hub_world_hss();
	hub_world_bsf();
}

void hub_world_teardown(void)
{
	dia_hub_free(w.bsf);
	dia_hub_free(w.hss);
	dia_loop_free(w.loop);
}

void hub_world_end(void *owner, uint64_t txn, int rc, struct span answer)
{
	w.ends++;
	w.end_rc = rc;
	w.end_txn = txn;
	zh_maa_clear(&w.maa);
	memset(&w.maa, 0, sizeof(w.maa));
	if (rc == 0)
		w.end_rc = zh_wire_maa_get(&w.maa, answer);
	w.maa.guss.p = NULL; /* lent; its length is looked at */
	if (w.ask_again)
		ck_assert_int_eq(hub_world_ask(5000, txn + 1), -ENOTCONN);
}

int hub_world_ask_realm(const char *realm, const char *host, uint32_t patience_ms, uint64_t txn)
{
	struct dia_target to = { .peer = HSS, .realm = realm, .host = host, .grammar = &zh_wire_mar, .room = 2048 };
	struct zh_mar mar = { .scheme = "Digest-AKAv1-MD5" };

	strcpy(mar.impi.s, "001010000000001@ims.example.com");
	return dia_ask(w.bsf, &to, hub_world_put_mar, &mar, patience_ms, hub_world_end, NULL, txn);
}

int hub_world_ask(uint32_t patience_ms, uint64_t txn)
{
	return hub_world_ask_realm(REALM, NULL, patience_ms, txn);
}

void hub_world_ask_and_wait(uint64_t txn)
{
	unsigned before = w.ends;

	ck_assert_int_eq(hub_world_ask(5000, txn), 0);
	ck_assert_uint_eq(w.ends, before); /* never within the call */
	UNTIL(w.ends == before + 1);
	ck_assert_uint_eq(w.end_txn, txn);
}

struct dia_hub *hub_world_another(void)
{
	struct dia_hub_cfg cfg = { .self = { BSF, REALM },
				   .client_apps = zh,
				   .n_client_apps = 1,
				   .tc_ms = 1000,
				   .cb = { .event = hub_world_event } };
	struct dia_hub *h = dia_hub_new(w.loop, &cfg);

	ck_assert(h && dia_hub_dial(h, HSS, &w.hss_at, false) == 0);
	return h;
}

int hub_world_raw(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert(fd >= 0 && connect(fd, (struct sockaddr *)&w.hss_at, sizeof(struct sockaddr_in)) == 0);
	return fd;
}

struct dia_caps hub_world_caps(const char *host)
{
	struct dia_caps caps = { .product = "test", .n_ips = 1, .ip_len = { 6 }, .n_apps = 1, .no_tls = true };

	snprintf(caps.host, sizeof(caps.host), "%s", host);
	snprintf(caps.realm, sizeof(caps.realm), "%s", REALM);
	memcpy(caps.ip[0], "\0\1\x7f\0\0\1", 6);
	caps.apps[0] = GBA_APP_ZH;
	return caps;
}

void hub_world_cer(int fd, const struct dia_caps *caps)
{
	uint8_t octets[1024];
	struct writer out;
	int len;

	writer_init(&out, octets, sizeof(octets));
	len = dia_base_cer_put(&out, caps, 1, 1);
	ck_assert_int_eq(send(fd, octets, (size_t)len, MSG_NOSIGNAL), len);
}

uint32_t hub_world_result(int fd)
{
	uint8_t got[4096];
	struct dia_avp a;
	ssize_t n = -1;

	UNTIL((n = recv(fd, got, sizeof(got), MSG_DONTWAIT)) >= 0 || errno != EAGAIN);
	ck_assert_int_gt(n, DIA_HDR_LEN);
	ck_assert(dia_wire_find(&a, dia_wire_avps(span_of(got, (size_t)n)), AVP_RESULT_CODE));
	return dia_wire_u32(&a);
}
