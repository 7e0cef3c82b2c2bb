/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file card_choice.h
 *  Which card, as one text: KIND:WHERE and words behind commas. */
#pragma once

#include "common/base/err.h"
#include "ue/card/card.h"

#define CARD_WHERE_MAX     255
#define CARD_TIMEOUT_S     10 /* a card takes long for AUTHENTICATE, a modem for itself */
#define CARD_TIMEOUT_S_MAX 60

struct card_choice {
	char kind[8];                      /* "soft", "pcsc", "rest", "modem" */
	char where[CARD_WHERE_MAX + 1];    /* file, reader, URL, device */
	enum card_wish wish;               /* app=any|usim|isim|LABEL */
	char label[33];                    /* of CARD_WISH_LABEL */
	char pin_file[CARD_WHERE_MAX + 1]; /* pin-file=FILE; "" none */
	char state[CARD_WHERE_MAX + 1];    /* state=FILE; "" the default */
	int timeout_s;                     /* timeout=SECONDS, of one answer of the way to the card */
	int mnc_len;                       /* mnc-length=2|3; 0: as the card says */
};

/*! A text without a known KIND: is the file of a soft card, whole. Pure.
 *  \returns 0; -EINVAL and what is allowed */
int card_choice_parse(struct card_choice *out, const char *text, struct err *err);

/*! The digits of the PIN file, 4 to 8, for nobody else to read. \param[out] out padded with FF
 *  \returns 0; -EACCES readable by others; -EINVAL; -errno */
int card_choice_pin(uint8_t out[8], const struct card_choice *how, struct err *err);

/* The backends. \returns as card_open() */
int card_pcsc_open(struct card **out, const struct card_choice *how, struct err *err);
int card_modem_open(struct card **out, const struct card_choice *how, struct err *err);
int card_rest_open(struct card **out, const struct card_choice *how, struct err *err);
