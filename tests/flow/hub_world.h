/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hub_world.h
 *  Two nodes of ours on one loop, over real sockets: an HSS that listens and serves, a BSF that connects and asks. What the
 *  tests want of them, and what came of it, is in w. */
#pragma once

#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/dia/dia_hub.h"
#include "common/dia/zh_wire.h"
#include "tests/flow/free_port.h"
#include "tests/unit/suite.h"

#define HSS   "hss.example.com"
#define BSF   "bsf.example.com"
#define REALM "example.com"

struct hub_world {
	struct dia_loop *loop;
	struct dia_hub *hss, *bsf;
	struct sockaddr_storage hss_at;
	unsigned told[DIA_HUB_MISROUTED + 1], served, ends, stops;
	int end_rc; /* of the last question */
	uint64_t end_txn;
	struct zh_maa maa;
	size_t guss_len;        /* of what it answers */
	struct dia_reply *kept; /* with keep: the last request */
	bool keep, drop, refuse_address, serve_nothing, ask_again;
	const char *only;     /* who may come in */
	unsigned connections; /* at a time */
	char last_detail[256];
};
extern struct hub_world w;

#define UNTIL(what) \
	do { \
		uint64_t until_ = clock_mono_ms() + 5000; \
\
		while (!(what)) { \
			ck_assert_msg(clock_mono_ms() < until_, "never: " #what); \
			hub_world_turn(100); \
		} \
	} while (0)

void hub_world_setup(void);
void hub_world_teardown(void);
void hub_world_turn(int ms);
void hub_world_hss(void); /* (again) */
void hub_world_bsf(void);
/*! A BSF of the same name, connecting. */
struct dia_hub *hub_world_another(void);
void hub_world_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail);

int hub_world_ask(uint32_t patience_ms, uint64_t txn);
int hub_world_ask_realm(const char *realm, const char *host, uint32_t patience_ms, uint64_t txn);
void hub_world_ask_and_wait(uint64_t txn);
void hub_world_end(void *owner, uint64_t txn, int rc, struct span answer);
int hub_world_put_mar(struct writer *out, const struct dia_address *to, const void *what);
void hub_world_reply(struct dia_reply *r);

/*! A connection of somebody else. */
int hub_world_raw(void);
/*! What one of this name says in its CER: Zh, no TLS. */
struct dia_caps hub_world_caps(const char *host);
void hub_world_cer(int fd, const struct dia_caps *caps);
/*! Result-Code of what comes next. */
uint32_t hub_world_result(int fd);
