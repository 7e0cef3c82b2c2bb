/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file sim.h
 *  What a chip computes (TS 31.102 7.1.1, TS 33.102 6.3.3, TS 33.220 5.3.2 and annex G): one application of a card, without
 *  files and without a way to it. Pure but for OpenSSL: whoever holds a struct sim writes it down before an answer leaves, and
 *  puts the old one back where that fails. */
#pragma once

#include "common/base/bytes.h"
#include "common/crypto/gba_u.h"
#include "common/crypto/sqn.h"
#include "ue/card/card.h"

#define SIM_SRES_LEN 4
#define SIM_KC_LEN   8

struct sim {
	struct aka_cred cred;
	enum gba_u_hash mac_star;
	struct sqn_card sqn;
	struct secret ks;        /* of GBA_U, CK || IK; empty: none */
	struct card_gbabp gbabp; /* EF_GBABP: RAND is the card's, the rest the device's */
};

/*! AUTHENTICATE in 3G context: RES, CK, IK or why not. \returns 0 and an outcome; -EIO. s is unchanged but for CARD_OK */
int sim_3g(struct sim *s, struct card_answer *out, const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN]);

/*! AUTHENTICATE in GBA context, bootstrapping: Ks and RAND take the place of the old ones, B-TID and lifetime are empty.
 *  \returns as sim_3g(); ck and ik of out are always empty */
int sim_gba(struct sim *s, struct card_answer *out, const uint8_t rand[AKA_RAND_LEN],
	    const uint8_t autn_star[AKA_AUTN_LEN]);

/*! NAF derivation. \param[out] ext, \param[out] in Ks_ext_NAF and Ks_int_NAF, 32 octets each
 *  \returns 0; -ENOKEY no Ks; -EBADMSG IMPI or NAF_Id is none; -EIO */
int sim_derive(const struct sim *s, struct secret *ext, struct secret *in, struct span naf_id, struct span impi);

/*! GSM context (33.102 6.8.1.2, c2 and c3). \returns 0; -EIO */
int sim_gsm(const struct sim *s, struct secret *sres, struct secret *kc, const uint8_t rand[AKA_RAND_LEN]);

/*! Kc of CK and IK, c3. \param[out] kc 8 octets */
void sim_kc(struct secret *kc, const struct secret *ck, const struct secret *ik);

void sim_clear(struct sim *s);
