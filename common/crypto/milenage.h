/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file milenage.h
 *  Milenage, TS 35.206; a row of aka_algorithm.h. All functions are pure but for OpenSSL's contexts, which are kept per
 *  thread. Errors: -EINVAL a key is not 16 octets; -EIO OpenSSL failed. */
#pragma once

#include "common/crypto/aka.h"

/*! OPc from OP. */
int milenage_opc(struct secret *opc, const struct secret *k, const struct secret *op);

/*! f1 and f1*. mac_a or mac_s may be NULL. */
int milenage_f1(uint8_t mac_a[8], uint8_t mac_s[8], const struct aka_cred *c, const uint8_t rand[16],
		const uint8_t sqn[6], const uint8_t amf[2]);

/*! f2..f5 and f5*; each output may be NULL. res 8 octets, ck and ik 16. */
int milenage_f2345(struct secret *res, struct secret *ck, struct secret *ik, uint8_t ak[6], uint8_t ak_star[6],
		   const struct aka_cred *c, const uint8_t rand[16]);
