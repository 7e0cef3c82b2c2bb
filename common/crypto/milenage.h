/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file milenage.h
 *  Milenage, TS 35.206, with the AUTN and AUTS of TS 33.102 6.3. All functions are pure but for OpenSSL's contexts,
 *  which are kept per thread. Errors: -EINVAL a key is not 16 octets; -EIO OpenSSL failed. */
#pragma once

#include <stdbool.h>
#include "common/crypto/aka.h"

/*! OPc from OP. */
int milenage_opc(struct secret *opc, const struct secret *k, const struct secret *op);

/*! f1 and f1*. mac_a or mac_s may be NULL. */
int milenage_f1(uint8_t mac_a[8], uint8_t mac_s[8], const struct aka_cred *c, const uint8_t rand[16],
		const uint8_t sqn[6], const uint8_t amf[2]);

/*! f2..f5 and f5*; each output may be NULL. res 8 octets, ck and ik 16. */
int milenage_f2345(struct secret *res, struct secret *ck, struct secret *ik, uint8_t ak[6], uint8_t ak_star[6],
		   const struct aka_cred *c, const uint8_t rand[16]);

/*! The network's side: a whole vector for this RAND and SQN with the AMF of c. */
int milenage_vector(struct aka_vector *out, const struct aka_cred *c, const uint8_t rand[16], uint64_t sqn);

/*! The card's first step: unmask SQN and check MAC.
 *  \param[out] sqn set also when the MAC is wrong
 *  \returns 0; -EBADMSG MAC wrong */
int milenage_autn_open(uint64_t *sqn, const struct aka_cred *c, const uint8_t rand[16], const uint8_t autn[16]);

/*! The card's AUTS (33.102 6.3.3; AMF all zero). */
int milenage_auts_make(uint8_t auts[14], const struct aka_cred *c, const uint8_t rand[16], uint64_t sqn_ms);

/*! The network's reading of an AUTS: SQN_MS and whether MAC-S is right (33.102 6.3.5 decides whether it matters). */
int milenage_auts_open(uint64_t *sqn_ms, bool *mac_ok, const struct aka_cred *c, const uint8_t rand[16],
		       const uint8_t auts[14]);
