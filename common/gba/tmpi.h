/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file tmpi.h
 *  Temporary identity, TS 33.220 B.4: base64 of 24 octets "@tmpi.bsf.3gppnetwork.org". */
#pragma once

#include "common/base/bytes.h"
#include "common/base/secret.h"

#define TMPI_LEN   24
#define TMPI_REALM "tmpi.bsf.3gppnetwork.org"
#define TMPI_MAX   (32 + 1 + 24) /* characters */

/*! Told by its form alone: the realm part (4.5.2). */
bool tmpi_is(struct span username);

/*! \returns 0; -EBADMSG has the realm but not 32 base64 characters before it */
int tmpi_parse(uint8_t out[TMPI_LEN], struct span username);
int tmpi_format(char out[TMPI_MAX + 1], const uint8_t tmpi[TMPI_LEN]);

#define TMPI_BSF_ID_MAX 235

/*! BSF_Id, the NAF_Id whose key a TMPI is made of (B.4), for a card that derives it.
 *  \param[in] bsf_name the one in the B-TID \returns octets; -E2BIG */
int tmpi_bsf_id(uint8_t out[TMPI_BSF_ID_MAX], const char *bsf_name);

/*! \param[in] bsf_name the one in the B-TID. \returns as kdf_derive() */
int tmpi_derive(uint8_t out[TMPI_LEN], const struct secret *ks, const uint8_t rand[16], struct span impi,
		const char *bsf_name);
