/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file card_ops.h
 *  What a backend of card.h brings. The calls are those of card.h; one that is not there belongs to no capability of the card. */
#pragma once

#include "ue/card/card.h"

struct card_ops {
	int (*authenticate)(struct card *c, struct card_answer *out, enum card_context context,
			    const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN], struct err *err);
	int (*derive)(struct card *c, struct secret *ks_ext_naf, struct span naf_id, struct span impi, struct err *err);
	int (*gbabp_read)(struct card *c, struct card_gbabp *out, struct err *err);
	int (*gbabp_write)(struct card *c, const char *btid, const char *lifetime, struct err *err);
	int (*prefer)(struct card *c, enum card_wish wish, const char *name, bool may_switch,
		      struct err *err); /* NULL: there is one application */
	int (*check)(struct card *c, struct err *err);
	void (*close)(struct card *c);
};

/*! IMPI and BSF name of a USIM, from c->imsi. \returns 0; -EINVAL */
int card_set_usim(struct card *c, const char *imsi, int mnc_len, struct err *err);

/*! IMPI and BSF name of an ISIM. \returns 0; -EINVAL */
int card_set_isim(struct card *c, struct span impi, struct err *err);
