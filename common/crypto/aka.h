/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file aka.h
 *  UMTS AKA (TS 33.102 6.3): sizes and values, AUTN and AUTS of both sides. Which functions f1 to f5* a subscriber has is
 *  said by a row of aka_algorithm.h; everything here is the same for all of them. Pure but for OpenSSL's contexts, which are
 *  kept per thread. */
#pragma once

#include <stdbool.h>
#include "common/base/secret.h"

#define AKA_RAND_LEN 16
#define AKA_AUTN_LEN 16
#define AKA_AUTS_LEN 14
#define AKA_SQN_LEN  6
#define AKA_AMF_LEN  2
#define AKA_MAC_LEN  8
#define AKA_AK_LEN   6
#define AKA_KEY_LEN  16 /* CK, IK; K, OP and OPc of Milenage */
#define AKA_K_MAX    32 /* K of TUAK */
#define AKA_OP_MAX   32 /* TOP and TOPc of TUAK */
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

/*! Which algorithm set; a row of the table in aka_algorithm.c. Kept in files by its name, never by its number. */
enum aka_kind {
	AKA_MILENAGE, /* also what zeroed credentials have */
	AKA_TUAK,
	AKA_XOR,
	AKA_KINDS,
};

/*! Card credentials. */
struct aka_cred {
	struct secret k, opc;     /* lengths as the algorithm's row says; opc is TOPc for TUAK, empty for XOR */
	uint8_t amf[AKA_AMF_LEN]; /* used by the network only */
	enum aka_kind kind;
	uint8_t res_len; /* octets of RES; 0: the first of the algorithm's row */
	uint8_t rounds;  /* TUAK: how often Keccak is applied, 35.231 7; 0: once */
};

static inline void aka_cred_clear(struct aka_cred *c)
{
	OPENSSL_cleanse(c, sizeof(*c));
}

/* All below: -EINVAL the lengths in the credentials are not the algorithm's; -EIO OpenSSL failed. */

/*! f1 and f1*. mac_a or mac_s may be NULL. */
int aka_f1(uint8_t mac_a[AKA_MAC_LEN], uint8_t mac_s[AKA_MAC_LEN], const struct aka_cred *c,
	   const uint8_t rand[AKA_RAND_LEN], const uint8_t sqn[AKA_SQN_LEN], const uint8_t amf[AKA_AMF_LEN]);

/*! f2 to f5 and f5*; each output may be NULL. */
int aka_f2345(struct secret *res, struct secret *ck, struct secret *ik, uint8_t ak[AKA_AK_LEN],
	      uint8_t ak_star[AKA_AK_LEN], const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN]);

/*! The network's side: a whole vector for this RAND and SQN with the AMF of c. */
int aka_vector_make(struct aka_vector *out, const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN], uint64_t sqn);

/*! The card's first step: unmask SQN and check MAC.
 *  \param[out] sqn set also when the MAC is wrong
 *  \returns 0; -EBADMSG MAC wrong */
int aka_autn_open(uint64_t *sqn, const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN],
		  const uint8_t autn[AKA_AUTN_LEN]);

/*! The card's AUTS (33.102 6.3.3; AMF all zero). */
int aka_auts_make(uint8_t auts[AKA_AUTS_LEN], const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN],
		  uint64_t sqn_ms);

/*! The network's reading of an AUTS: SQN_MS and whether MAC-S is right (33.102 6.3.5 decides whether it matters). */
int aka_auts_open(uint64_t *sqn_ms, bool *mac_ok, const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN],
		  const uint8_t auts[AKA_AUTS_LEN]);
