/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_ctx.h
 *  Inside of struct gba_naf. Written once by gba_naf_new(); what changes later has its own lock in naf_ks, naf_nonce
 *  and naf_zn. */
#pragma once

#include <sys/types.h>
#include "naf-lib/naf_nonce.h"
#include "naf-lib/naf_zn.h"

#define NAF_NAMES_MAX 64
#define NAF_REALM     "3GPP-bootstrapping@" /* the key is that of the mobile equipment, TS 24.109 5.2 */
#define NAF_REALM_MAX (sizeof(NAF_REALM) - 1 + FQDN_MAX)

struct gba_naf {
	pid_t pid;
	size_t n_names, n_bsf_names;
	char names[NAF_NAMES_MAX][FQDN_MAX + 1]; /* lower case */
	char bsf_names[NAF_NAMES_MAX][BSF_NAME_MAX + 1];
	unsigned algorithms, qop, deadline_ms;
	bool slash_optional;
	naf_clock_fn *clock;
	struct naf_ks *ks;
	struct naf_nonces *nonces;
	struct naf_zn *zn;
};

/*! gba_naf_new() with a clock of the test's. */
struct gba_naf *naf_ctx_new(const struct gba_naf_config *cfg, naf_clock_fn *clock, char *err, size_t errlen);

/*! \returns 0 and NAF_Id of the name the device used; -EINVAL none of ours */
int naf_ctx_host(const struct gba_naf *naf, const char *host, const uint8_t *ua_id, struct naf_id *out);

/*! \returns 0; -EINVAL no B-TID; -EREMOTE not of our BSFs */
int naf_ctx_btid(const struct gba_naf *naf, struct span text, struct btid *out);

/*! A request as the application knows it. \returns 0; -EINVAL NULL, or not begun with gba_naf_request_init() */
int naf_ctx_request(struct gba_naf_request *out, const struct gba_naf_request *in);

/*! From the cache or the BSF. Results as gba_naf_fetch_key().
 *  \param[in] req deadline and source */
int naf_ctx_key(struct gba_naf *naf, const struct naf_ks_id *id, const struct btid *btid, struct span text,
		const struct naf_id *naf_id, const struct gba_naf_request *req, struct gba_naf_key *out);
