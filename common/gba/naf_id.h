/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_id.h
 *  NAF_Id = FQDN of the NAF || 5 octets Ua security protocol identifier, TS 33.220 3.1 and annex H. Pure. */
#pragma once

#include "common/base/bytes.h"

#define UA_ID_LEN  5
#define FQDN_MAX   253
#define NAF_ID_MAX (FQDN_MAX + UA_ID_LEN)

struct naf_id {
	size_t len;              /* of raw */
	uint8_t raw[NAF_ID_MAX]; /* octets exactly as received; the key is derived from these */
	char fqdn[FQDN_MAX + 1]; /* NUL-terminated copy of the host part, case kept */
	uint8_t ua[UA_ID_LEN];
};

/*! \returns 0; -EBADMSG shorter than 6 octets, host part no UTF-8 or holds a NUL or control character; -E2BIG */
int naf_id_parse(struct naf_id *out, const uint8_t *buf, size_t len);

/*! Ours: lower case, without port and trailing dot. \returns 0; -EINVAL */
int naf_id_make(struct naf_id *out, const char *host, const uint8_t ua[UA_ID_LEN]);

/*! The wildcard that stands for this host name: "*" in the place of its first label.
 *  \param[out] out untouched if there is none \returns false: nothing stands behind a first label, or it is too long */
bool naf_id_wildcard(char out[FQDN_MAX + 2], const char *fqdn);

extern const uint8_t UA_ID_HTTP_DIGEST[UA_ID_LEN]; /* 01 00 00 00 02 */

enum ua_id_class {
	UA_ID_KNOWN,    /* named in annex H (wildcards for cipher suites included), or other organisation's */
	UA_ID_UNKNOWN,  /* organisation 01, not in the table: policy decides, accepted by default */
	UA_ID_INVALID,  /* 00 but not all zero (H.2) */
	UA_ID_RESERVED, /* 01 00 00 01 00: TMPI derivation, would disclose TMPIs */
};

/*! \param[out] name annex H text or NULL; may be NULL */
enum ua_id_class ua_id_classify(const uint8_t ua[UA_ID_LEN], const char **name);
