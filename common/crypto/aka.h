/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file aka.h
 *  Sizes and values of UMTS AKA (TS 33.102 6.3). */
#pragma once

#include "common/base/secret.h"

#define AKA_RAND_LEN 16
#define AKA_AUTN_LEN 16
#define AKA_AUTS_LEN 14
#define AKA_SQN_LEN  6
#define AKA_AMF_LEN  2
#define AKA_KEY_LEN  16 /* K, OP, OPc, CK, IK */
#define AKA_RES_MIN  4
#define AKA_RES_MAX  32

/*! One authentication vector; res is XRES in the network, RES in the card. */
struct aka_vector {
	uint8_t rand[AKA_RAND_LEN];
	uint8_t autn[AKA_AUTN_LEN];
	struct secret res, ck, ik;
};

static inline void aka_vector_clear(struct aka_vector *v)
{
	OPENSSL_cleanse(v, sizeof(*v));
}

/*! Card credentials. */
struct aka_cred {
	struct secret k, opc;     /* 16 octets each */
	uint8_t amf[AKA_AMF_LEN]; /* used by the network only */
};

static inline void aka_cred_clear(struct aka_cred *c)
{
	OPENSSL_cleanse(c, sizeof(*c));
}
