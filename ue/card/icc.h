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

/*! USIMs and ISIMs among the records of EF_DIR, one behind the other, FF between. Pure.
 *  \returns how many, at most ICC_APPS_MAX */
size_t icc_apps_read(struct icc_app out[ICC_APPS_MAX], struct span records);

/*! Which one, by TS 33.220 4.4.8 with nothing active: the label's; else of the wished kind the first, an ISIM that is not there
 *  replaced by a USIM; no wish: the USIM, else the ISIM. Pure. \returns NULL: none that may be used */
const struct icc_app *icc_choose(const struct icc_app *apps, size_t n, const struct card_choice *how);

/*! Open the chosen application: channel, SELECT, PIN, service table, identity. Takes the link, also where it fails.
 *  \param[in] what names the card in reasons
 *  \returns 0; -ENOENT no such application; -EACCES PIN; -ENODEV; -EIO; -errno */
int icc_open(struct card **out, struct link *l, const struct card_choice *how, const char *what, struct err *err);
