/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file impi.h
 *  Private identity on Ub and the names made from it, TS 23.003 13.3 and 16.2. Pure. */
#pragma once

#include "common/base/bytes.h"
#include "common/gba/btid.h"

#define IMPI_MAX 255 /* octets, UTF-8 */

struct impi {
	char s[IMPI_MAX + 1];
};

/*! user@domain, UTF-8, no control characters, blanks or quotes, domain a DNS name; not a TMPI.
 *  \returns 0; -EBADMSG; -E2BIG. out untouched on error */
int impi_parse(struct impi *out, const uint8_t *buf, size_t len);

/*! \param[in] imsi 6..15 digits. \param[in] mnc_len 2 or 3. \returns 0; -EINVAL */
int impi_from_imsi(struct impi *out, const char *imsi, int mnc_len);

/*! USIM: bsf.mncNNN.mccNNN.pub.3gppnetwork.org. \returns 0; -EINVAL */
int bsf_name_from_imsi(char out[BSF_NAME_MAX + 1], const char *imsi, int mnc_len);

/*! ISIM: 23.003 16.2, the "ims" label stays. \returns 0; -EINVAL */
int bsf_name_from_impi(char out[BSF_NAME_MAX + 1], const struct impi *impi);

/*! For logs above DEBUG: enough to tell operators apart, not persons. The first five digits of an IMSI stay, of other user
 *  names nothing ("00101*****@ims.mnc001..."); control characters become '?', so any text may be given. */
void impi_mask(char out[IMPI_MAX + 1], const char *impi);

/*! What limits and indexes know an identity by: the domain in lower case (DNS names have none), the user as it is. HSS and
 *  KDF get the identity as it came. Works on TMPIs and whatever holds an '@' too. */
void impi_key(struct impi *out, const char *impi);

/*! The same identity, whatever the case of its domain? */
bool impi_same(const char *a, const char *b);
