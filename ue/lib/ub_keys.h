/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ub_keys.h
 *  What is made of a run's key, wherever Ks is: in the device (GBA_ME) or on the card (GBA_U). */
#pragma once

#include "common/gba/bsf_info.h"
#include "ue/card/card.h"
#include "ue/lib/key_store.h"

/*! 33.220 5.3.2: chosen before the challenge is looked at, by what the card can do alone. */
enum card_context ub_keys_context(const struct card *card);

/*! Ks, or where it is, into next; what belongs to it goes beside it on the card (31.102 5.2.20).
 *  \returns 0; as kdf_ks(), card_gbabp_write() */
int ub_keys_take(struct card *card, struct key_store *next, const struct card_answer *answer,
		 const struct bsf_info *info, struct err *err);

/*! The TMPI of the key in next (33.220 annex B.4). \param[in] bsf_name the one in the B-TID \returns 0; -errno */
int ub_keys_tmpi(struct card *card, struct key_store *next, const char *bsf_name, struct err *err);

/*! Ks_NAF, or Ks_ext_NAF where the card made Ks: of the key that is there, for one NAF.
 *  \param[out] out 32 octets \param[in] naf_id FQDN || 5 octets
 *  \returns 0; -ENOKEY the card's Ks is of another run: as if there were no key; as card_derive(), kdf_ks_naf() */
int ub_keys_naf(struct card *card, const struct key_store *k, struct secret *out, struct span naf_id, struct err *err);
