/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_device.h
 *  A device on Ua, an application with a fake BSF and a clock of the test's: one good request, of which tests change one thing
 *  at a time. */
#pragma once

#include "common/base/b64.h"
#include "common/base/clock.h"
#include "common/http/auth_hdr.h"
#include "common/http/auth_info.h"
#include "common/http/challenge_hdr.h"
#include "naf-lib/naf_ctx.h"
#include "naf-lib/naf_sized.h"
#include "tests/unit/suite.h"

#define HOST   "naf1.example.com"
#define BSF    "bsf.mnc015.mcc234.pub.3gppnetwork.org"
#define BTID   "I1U8vpY3qJ0hiuZNrke/NQ==@" BSF
#define OTHER  "n3yNAhrM9NshPM/wx/caag==@" BSF
#define KS_NAF "f8cf543ce60250e3da34fd1cb463ad17dffb7f6bdd021f82cb944b439d888430" /* vector V1 */
#define BODY   "name=value"
/* its Ks_int_NAF */
#define KS_INT_NAF "64a55e56ed8d4db63a7ba096cdf0f3ddccd1a0a5677e2934b2584beefc641f5d"

extern struct naf_now clock_now;
extern struct gba_naf_fake *fake;
extern bool fake_gba_u;    /* the run was GBA_U: the BSF knows Ks_int_NAF */
extern char nonce[128];    /* of the last challenge */
extern const char *source; /* of the requests */
extern struct gba_naf_fetch *the_fetch;

/*! A device: what it puts into its Authorization. A NULL text leaves the parameter out. */
struct device {
	const char *user, *realm, *nonce, *uri, *qop, *nc, *cnonce, *response, *algorithm;
	const char *method, *target, *host, *body;
	bool wrong_key, by_card;
};

static inline struct span text(const char *s)
{
	return s ? span_str(s) : span_of(NULL, 0);
}

void test_clock(struct naf_now *out);
struct gba_naf_key the_key(void);
struct gba_naf *context(struct gba_naf_config *c);
struct gba_naf *plain(void);
void done(struct gba_naf *naf);
struct device good(struct gba_naf *naf);
const char *authorization(const struct device *d);
void make_request(struct gba_naf_request *req, const struct device *d, const char *value);
struct gba_naf_answer *send_value(struct gba_naf *naf, const struct device *d, const char *value);
enum gba_naf_cause send_device(struct gba_naf *naf, const struct device *d);

#define EXPECT(naf, device, want) ck_assert_str_eq(gba_naf_cause_name(send_device(naf, device)), want)
