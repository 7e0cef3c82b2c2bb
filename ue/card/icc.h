/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file icc.h
 *  A real card: one application of a UICC (TS 31.102, TS 31.103) over a link. */
#pragma once

#include "ue/card/card_choice.h"
#include "ue/card/card_ops.h"
#include "ue/card/link.h"

#define ICC_APPS_MAX  8
#define ICC_AID_MAX   16
#define ICC_LABEL_MAX 32

/*! An application of EF_DIR. */
struct icc_app {
	enum card_app kind;
	uint8_t aid[ICC_AID_MAX], aid_len;
	char label[ICC_LABEL_MAX + 1];
};

/*! The applications of a card, and what they are to us. */
struct icc_apps {
	struct icc_app list[ICC_APPS_MAX];
	bool active[ICC_APPS_MAX]; /* selected on a channel of ours */
	size_t n;
	int now; /* the chosen one; -1: none yet */
};

/*! USIMs and ISIMs among the records of EF_DIR, one behind the other, FF between. Pure. */
void icc_apps_read(struct icc_apps *out, struct span records);

/*! Which one, by TS 33.220 4.4.8: the label's, but no USIM beside an active one; of the wished kind the chosen one, an active one, the
 *  first, an ISIM that is not there replaced by a USIM; no wish: the active USIM, else the active ISIM, else USIM, else ISIM. Pure.
 *  \param[in] wish all but CARD_WISH_IMPI \returns its place; -ENOENT none; -EBUSY a USIM that is not the active one */
int icc_choose(const struct icc_apps *a, enum card_wish wish, const char *label);

/*! Open the chosen application: channel, SELECT, PIN, service table, identity. Takes the link, also where it fails.
 *  \param[in] what names the card in reasons
 *  \returns 0; -ENOENT no such application; -EACCES PIN; -ENODEV; -EIO; -errno */
int icc_open(struct card **out, struct link *l, const struct card_choice *how, const char *what, struct err *err);
