/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file usim.h
 *  The card as the device sees it (TS 31.102 7.1): one interface; behind it the soft USIM, later PC/SC and remote. */
#pragma once

#include "common/base/err.h"
#include "common/crypto/aka.h"

enum usim_outcome {
	USIM_OK,           /* RES, CK, IK */
	USIM_MAC_FAILURE,  /* the network does not know K: refuse it */
	USIM_SYNC_FAILURE, /* AUTS */
};

struct usim_answer {
	enum usim_outcome outcome;
	struct secret res, ck, ik;
	uint8_t auts[AKA_AUTS_LEN];
};

static inline void usim_answer_clear(struct usim_answer *a)
{
	OPENSSL_cleanse(a, sizeof(*a));
}

struct usim;

struct usim_ops {
	/*! AUTHENTICATE in 3G context. MAC is checked before SQN (33.102 6.3.3).
	 *  \returns 0 and an outcome; -errno the card could not be asked */
	int (*authenticate)(struct usim *card, struct usim_answer *out, const uint8_t rand[AKA_RAND_LEN],
			    const uint8_t autn[AKA_AUTN_LEN], struct err *err);
	void (*close)(struct usim *card);
};

/*! Common head of every kind of card. */
struct usim {
	const struct usim_ops *ops;
	char imsi[16];
	int mnc_len;
	char *state_path; /* files of the device for this card stand beside it */
};

/*! Soft USIM from a file in the grammar of conf/usim-1.cfg. K and OP or OPc are wiped on close.
 *  \returns 0 and a card; -EACCES file readable by others; -EBUSY in use by another process; -EINVAL, -ENOENT */
int usim_soft_open(struct usim **out, const char *path, struct err *err);
