/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file gba_u.h
 *  What GBA_U changes in a vector (TS 33.220 5.3.2): the same sums in the BSF and in the card. Each is its own inverse. */
#pragma once

#include "common/crypto/aka.h"

enum gba_u_hash {
	GBA_U_SHA1,   /* what a card does of which nothing else is known */
	GBA_U_SHA256, /* Release 17, where the network was told that the card can */
};

/*! AUTN to AUTN* and back: MAC* = MAC xor the first 64 bits of H(IK).
 *  \param[out] out  16 octets, may be autn itself; untouched on error
 *  \param[in]  ik   16 octets
 *  \returns 0; -EINVAL IK of another length; -EIO OpenSSL failed */
int gba_u_autn(uint8_t out[AKA_AUTN_LEN], const uint8_t autn[AKA_AUTN_LEN], const struct secret *ik,
	       enum gba_u_hash hash);

/*! RES to what goes over Ub and back: its last bit turned over. \param[in,out] res at least one octet */
void gba_u_res(struct secret *res);
