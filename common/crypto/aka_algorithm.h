/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file aka_algorithm.h
 *  The algorithm sets of AKA: one row each, used by the AuC and by every card of ours alike. A new one is a new row (and its
 *  two functions); nothing else asks which it is. */
#pragma once

#include <stdbool.h>
#include "common/base/err.h"
#include "common/crypto/aka.h"

struct aka_algorithm {
	const char *name;      /* as files and the VTY write it, lower case */
	uint8_t k_len[2];      /* octets K may have; 0 ends */
	uint8_t op_len;        /* octets of OP and OPc (TOP and TOPc); 0: there is none */
	uint8_t res_len[4];    /* octets RES may have, the usual one first; 0 ends */
	bool has_rounds;       /* `rounds` of the credentials means something */
	bool test_only;        /* no secret protects anything: only where an operator allows it by name */
	const char *specified; /* where */

	/* The lengths have been checked. Outputs as aka_f1(), aka_f2345(). opc NULL: there is no OP. */
	int (*opc)(struct secret *opc, const struct aka_cred *c, const struct secret *op);
	int (*f1)(uint8_t mac_a[AKA_MAC_LEN], uint8_t mac_s[AKA_MAC_LEN], const struct aka_cred *c,
		  const uint8_t rand[AKA_RAND_LEN], const uint8_t sqn[AKA_SQN_LEN], const uint8_t amf[AKA_AMF_LEN]);
	int (*f2345)(struct secret *res, struct secret *ck, struct secret *ik, uint8_t ak[AKA_AK_LEN],
		     uint8_t ak_star[AKA_AK_LEN], const struct aka_cred *c, const uint8_t rand[AKA_RAND_LEN]);
};

/*! \returns the row, never NULL for a kind below AKA_KINDS */
const struct aka_algorithm *aka_algorithm_of(const struct aka_cred *c);

/*! By name, no case. \param[in] name need not end in NUL. \returns 0; -ENOENT (kind untouched) */
int aka_algorithm_find(enum aka_kind *kind, const char *name, size_t len);

/*! The names, "milenage, tuak" or with allow_test "milenage, tuak, xor". \returns static */
const char *aka_algorithm_names(bool allow_test);

/*! Octets of RES these credentials give. */
uint8_t aka_algorithm_res_len(const struct aka_cred *c);

/*! Have K, OPc and RES lengths the algorithm can have? */
bool aka_algorithm_fits(const struct aka_cred *c);

/*! The same, with the length named that is wrong and what is allowed; and without opc, when it is still to be made from an OP
 *  of op_len octets. Says no key. \returns 0; -EINVAL and err */
int aka_algorithm_check(const struct aka_cred *c, size_t op_len, struct err *err);

/*! OPc from OP, TOPc from TOP. \returns 0; -EINVAL lengths, or an algorithm without OP; -EIO */
int aka_opc_make(struct secret *opc, const struct aka_cred *c, const struct secret *op);
