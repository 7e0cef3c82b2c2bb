/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file tuak.h
 *  TUAK, TS 35.231, with every length it defines. AKA in this tree needs MAC of 8, CK and IK of 16 octets
 *  (aka_algorithm.h); the other lengths are here because the published sets have them. Pure.
 *  Errors: -EINVAL a length TUAK does not define. */
#pragma once

#include "common/crypto/aka.h"

#define TUAK_OP_LEN 32 /* octets of TOP and TOPc */

/*! Lengths in octets. */
struct tuak_sizes {
	uint8_t mac;    /* 8, 16, 32 */
	uint8_t res;    /* 4, 8, 16, 32 */
	uint8_t ck, ik; /* 16, 32 */
	uint8_t rounds; /* times Keccak is applied, 1.. */
};

/*! TOPc from TOP. \param[in] k 16 or 32 octets. \param[in] top 32 octets */
int tuak_topc(struct secret *topc, const struct secret *k, const struct secret *top, unsigned rounds);

/*! f1 and f1*: size.mac octets each; mac_a or mac_s may be NULL. */
int tuak_f1(uint8_t *mac_a, uint8_t *mac_s, const struct secret *k, const struct secret *topc,
	    const struct tuak_sizes *size, const uint8_t rand[16], const uint8_t sqn[6], const uint8_t amf[2]);

/*! f2 to f5 and f5*; each output may be NULL. */
int tuak_f2345(struct secret *res, struct secret *ck, struct secret *ik, uint8_t ak[6], uint8_t ak_star[6],
	       const struct secret *k, const struct secret *topc, const struct tuak_sizes *size,
	       const uint8_t rand[16]);
