/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file icc_in.h
 *  A real card inside; for icc.c (the way in, files, life) and icc_auth.c only. */
#pragma once

#include "ue/card/icc.h"

#define ICCID_LEN 10

#define ICC_P2_NONE 0x0c /* SELECT: tell nothing of the file */

#define ICC_SW_OK  0x9000
#define ICC_SW_PIN 0x6982
#define ICC_SW_MAC 0x9862

/* A card with its applications: each that was chosen keeps its channel. */
struct icc {
	struct card base;
	struct link *link;
	struct card_choice how;
	struct icc_apps apps;
	struct icc_place {
		uint8_t channel;
		int session;
		struct card id; /* what base says of it */
	} places[ICC_APPS_MAX];
	int first; /* the one the line chose */
	char what[CARD_WHERE_MAX + 16];
	uint8_t iccid[ICCID_LEN];
};

/* Nobody between our commands, and the application is selected. \returns 0; -errno, then nothing is to be ended */
int icc_begin(struct icc *c, struct err *err);
void icc_end(struct icc *c);
/* The chosen application. */
static inline const struct icc_app *icc_now(const struct icc *c)
{
	return &c->apps.list[c->apps.now];
}

/* What a status word means. \returns -errno */
int icc_refused(const struct icc *c, uint16_t sw, const char *doing, struct err *err);

/* Any other status word than 9000 is an error of its kind. \param[in] doing for its text */
int icc_ask(struct icc *c, struct link_command cmd, struct link_answer *a, const char *doing, struct err *err);
/* What base says of the chosen application, read from the card. */
int icc_identity(struct icc *c, struct err *err);

/* A channel of our own, so that nobody's SELECT is in our way; a card without another one: the basic channel. */
int icc_open_channel(struct icc *c, struct err *err);
/* Select the chosen application, on a channel that is opened for it, and verify the PIN. \param[in] fresh there is one, on which nothing
 * is selected yet */
int icc_enter(struct icc *c, bool fresh, struct err *err);
/* It is active where the link is now. A card without a second channel has one application at a time. */
void icc_note_place(struct icc *c);
/* Give a channel, or session, back. */
void icc_leave(struct icc *c, uint8_t channel, int session);
/* Why none was chosen. \returns -ENOENT, -EBUSY */
int icc_no_app(const struct icc *c, int rc, struct err *err);
int icc_prefer(struct card *base, enum card_wish wish, const char *name, bool may_switch, struct err *err);

int icc_authenticate(struct card *base, struct card_answer *out, enum card_context context,
		     const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN], struct err *err);
int icc_derive(struct card *base, struct secret *ks_ext_naf, struct span naf_id, struct span impi, struct err *err);
