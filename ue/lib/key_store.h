/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file key_store.h
 *  What the device keeps of GBA between runs: Ks with B-TID and expiry, and the TMPI (TS 33.220 4.4.11, 4.4.13).
 *  One file beside the card's state, mode 0600: this program lives for one command, the file is its memory. */
#pragma once

#include <stdbool.h>
#include <time.h>
#include "common/base/err.h"
#include "common/crypto/aka.h"
#include "common/gba/btid.h"
#include "common/gba/impi.h"
#include "common/gba/tmpi.h"

struct key_store {
	char path[4200];
	char imsi[16];
	struct impi impi;
	bool has_ks;
	bool on_card; /* GBA_U: the card holds Ks, ks is empty */
	struct secret ks;
	uint8_t rand[AKA_RAND_LEN];
	char btid[BTID_MAX + 1];
	time_t expires_at; /* by the clock of this device */
	bool has_tmpi;
	uint8_t tmpi[TMPI_LEN];
};

/*! Load what belongs to this card. Keys and TMPI of another card are deleted (4.4.11, 4.4.13), an expired Ks too.
 *  \returns 0, also when there is nothing; -errno */
int key_store_open(struct key_store *ks, const char *card_state_path, const char *imsi, const struct impi *impi,
		   time_t now, struct err *err);

/*! Write it down. \returns 0; -errno */
int key_store_save(const struct key_store *ks, struct err *err);

/*! Forget Ks and B-TID; with_tmpi: the TMPI as well ("card removed"). Writes. */
int key_store_forget(struct key_store *ks, bool with_tmpi, struct err *err);

void key_store_clear(struct key_store *ks);
