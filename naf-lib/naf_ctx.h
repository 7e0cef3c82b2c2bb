/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_ctx.h
 *  Inside of struct gba_naf. Written once by gba_naf_new(), but for the part that lives in one process: a child's first call puts
 *  a new one in its place and leaves its parent's as it is. What changes in that has its own lock in naf_ks, naf_nonce and
 *  naf_zn. */
#pragma once

#include "naf-lib/naf_link.h"
#include "naf-lib/naf_nonce.h"

#define NAF_NAMES_MAX  64
#define NAF_REALM      "3GPP-bootstrapping@"      /* the key is that of the mobile equipment, TS 24.109 5.2 */
#define NAF_REALM_CARD "3GPP-bootstrapping-uicc@" /* that of the card */
#define NAF_REALM_MAX  (sizeof(NAF_REALM) + sizeof(NAF_REALM_CARD) + 2 * FQDN_MAX)

struct naf_live {
	uint64_t process;
	struct naf_ks *ks;
	struct naf_nonces *nonces;
	struct naf_zn *zn;
};

struct gba_naf {
	size_t n_names, n_bsf_names;
	char names[NAF_NAMES_MAX][FQDN_MAX + 1]; /* lower case */
	char bsf_names[NAF_NAMES_MAX][BSF_NAME_MAX + 1];
	unsigned algorithms, qop, keys, deadline_ms, in_flight, nonce_s, nonces_max;
	bool slash_optional;
	uint8_t ua[UA_ID_LEN]; /* of requests that do not say theirs */
	naf_clock_fn *clock;
	struct naf_ks_cfg ks_cfg;
	struct secret nonce_secret; /* len 0: each process has its own */
	struct gba_naf_link *link;  /* NULL: fake */
	struct gba_naf_fake *fake;
	struct naf_gsids gsids;
	_Atomic(struct naf_live *) live;
};

/*! gba_naf_new() with a clock of the test's. */
struct gba_naf *naf_ctx_new(const struct gba_naf_config *cfg, naf_clock_fn *clock, char *err, size_t errlen);

/*! That of this process. \returns NULL no memory */
struct naf_live *naf_ctx_live(struct gba_naf *naf);

/*! \returns 0 and NAF_Id of the name the device used; -EINVAL none of ours */
int naf_ctx_host(const struct gba_naf *naf, const char *host, const uint8_t *ua_id, struct naf_id *out);

/*! \returns 0; -EINVAL no B-TID; -EREMOTE not of our BSFs */
int naf_ctx_btid(const struct gba_naf *naf, struct span text, struct btid *out);

/*! A request as the application knows it. \returns 0; -EINVAL NULL, or not begun with gba_naf_request_init() */
int naf_ctx_request(struct gba_naf_request *out, const struct gba_naf_request *in);

/*! What a question says. \param[in] req deadline and source. \returns 0; -EINVAL text is too long */
int naf_ctx_question(const struct gba_naf *naf, struct naf_question *out, const struct btid *btid, struct span text,
		     const struct naf_id *naf_id, const struct gba_naf_request *req);

/*! From the cache, a fetch that is over, or the BSF. Results as gba_naf_fetch_key().
 *  \param[in] req deadline, source and fetch */
int naf_ctx_key(struct gba_naf *naf, struct naf_live *live, const struct naf_ks_id *id, const struct btid *btid,
		struct span text, const struct naf_id *naf_id, const struct gba_naf_request *req,
		struct gba_naf_key *out);

/*! What a fetch has led to. \returns -EAGAIN it waits, or is for another key; else as gba_naf_fetch_key(), out is a copy */
int naf_fetch_result(const struct gba_naf_fetch *f, const struct naf_ks_id *id, struct gba_naf_key *out);
