/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file btid.h
 *  Bootstrapping Transaction Identifier, TS 33.220 4.5.2: base64(RAND) "@" BSF name. */
#pragma once

#include "common/base/bytes.h"

#define BTID_RAND_LEN   16
#define BTID_RAND_CHARS 24
#define BTID_MAX        255                              /* characters in all */
#define BSF_NAME_MAX    (BTID_MAX - BTID_RAND_CHARS - 1) /* 230 characters */

struct btid {
	uint8_t rand[BTID_RAND_LEN];
	char domain[BSF_NAME_MAX + 1]; /* as received; compare without case */
};

/*! Parse. Pure. \param[in] len 0..any
 *  \returns 0; -EBADMSG no B-TID; -E2BIG over BTID_MAX. out untouched on error */
int btid_parse(struct btid *out, const uint8_t *buf, size_t len);

/*! \param[out] out BTID_MAX + 1 octets. \returns characters written */
int btid_format(char out[BTID_MAX + 1], const uint8_t rand[BTID_RAND_LEN], const char *bsf_name);

/*! Well-formed DNS name (letters, digits, hyphen, dot; labels 1..63; no trailing dot), at most max characters. */
bool fqdn_valid(struct span name, size_t max);
