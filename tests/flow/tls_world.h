/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file tls_world.h
 *  Two nodes of ours over TLS on one loop: bsf listens, naf connects. What happens at each of them is in at_bsf and at_naf; how each
 *  wants the other protected says what is in security. */
#pragma once

#include "common/base/clock.h"
#include "common/dia/dia_hub.h"
#include "tests/unit/suite.h"

#define BSF "bsf.example.com"
#define NAF "naf.example.com"
#define DAY 86400

struct tls_seen {
	unsigned n[DIA_HUB_MISROUTED + 1];
	char detail[DIA_HUB_MISROUTED + 1][256];
	struct dia_hub_security security; /* by TLS, until the test says otherwise */
};

extern struct dia_loop *loop;
extern struct dia_hub *bsf, *naf;
extern struct tls_seen at_bsf, at_naf;

void tls_world_setup(void);
void tls_world_teardown(void); /* the hubs, too */
/*! A context of its own with a certificate that holds so long. */
SSL_CTX *tls_world_certified(const char *name, long until_s);
/*! \param[in] of_bsf, of_naf taken \param[in] tls bsf listens for TLS alone */
void tls_world_meet(SSL_CTX *of_bsf, SSL_CTX *of_naf, bool tls);

#define UNTIL(what) \
	do { \
		uint64_t until_ = clock_mono_ms() + 30000; \
\
		while (!(what)) { \
			ck_assert_msg(clock_mono_ms() < until_, "never: " #what); \
			dia_loop_wait(loop, 100); \
			dia_loop_turn(loop, 64); \
		} \
	} while (0)
