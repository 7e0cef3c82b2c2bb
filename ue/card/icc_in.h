/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file icc_in.h
 *  A real card inside; for icc.c (the way in, files, life) and icc_auth.c only. */
#pragma once

#include "ue/card/icc.h"

#define ICCID_LEN 10

#define ICC_SW_OK  0x9000
#define ICC_SW_PIN 0x6982
#define ICC_SW_MAC 0x9862

struct icc {
	struct card base;
	struct link *link;
	struct card_choice how;
	struct icc_app app;
	char what[CARD_WHERE_MAX + 16];
	uint8_t iccid[ICCID_LEN];
};

/* Nobody between our commands, and the application is selected. \returns 0; -errno, then nothing is to be ended */
int icc_begin(struct icc *c, struct err *err);
void icc_end(struct icc *c);
/* What a status word means. \returns -errno */
int icc_refused(const struct icc *c, uint16_t sw, const char *doing, struct err *err);

int icc_authenticate(struct card *base, struct card_answer *out, enum card_context context,
		     const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN], struct err *err);
int icc_derive(struct card *base, struct secret *ks_ext_naf, struct span naf_id, struct span impi, struct err *err);
