/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file aka_xor.h
 *  The algorithm of test USIMs, TS 34.108 8.1.2. It protects nothing: whoever sees one RAND and RES has K. Pure. */
#pragma once

#include "common/crypto/aka.h"

/*! As aka_f1(), aka_f2345(); RES is the first c->res_len octets of XDOUT, all 16 when that is 0. */
int aka_xor_f1(uint8_t mac_a[8], uint8_t mac_s[8], const struct aka_cred *c, const uint8_t rand[16],
	       const uint8_t sqn[6], const uint8_t amf[2]);
int aka_xor_f2345(struct secret *res, struct secret *ck, struct secret *ik, uint8_t ak[6], uint8_t ak_star[6],
		  const struct aka_cred *c, const uint8_t rand[16]);
