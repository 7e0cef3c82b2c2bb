/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file key_store.h
 *  What the device keeps of GBA between runs: Ks with B-TID and expiry, and the TMPI (TS 33.220 4.4.11, 4.4.13).
 *  One file, mode 0600, Ks in it sealed; beside it the file of the key that seals. */
#pragma once

#include <stdbool.h>
#include <time.h>
#include "common/base/err.h"
#include "common/crypto/aka.h"
#include "common/gba/btid.h"
#include "common/gba/impi.h"
#include "common/gba/tmpi.h"
#include "ue/lib/key_seal.h"
#include "ue/lib/ue_limit.h"

#define KEY_STORE_PATH_MAX   4200
#define KEY_STORE_SERIAL_MAX 63

struct key_store {
	char path[KEY_STORE_PATH_MAX];
	char serial[KEY_STORE_SERIAL_MAX + 1]; /* of the card */
	struct impi impi;
	struct key_seal *seal;
	bool has_ks;
	bool on_card; /* GBA_U: the card holds Ks, ks is empty */
	struct secret ks;
	uint8_t rand[AKA_RAND_LEN];
	char btid[BTID_MAX + 1];
	time_t expires_at; /* by the clock of this device */
	bool has_tmpi;
	uint8_t tmpi[TMPI_LEN];
	struct ue_limit limit; /* of this identity's renewals */
};

/*! Load what belongs to this card. Keys and TMPI of another card, or of another identity on it, are deleted (4.4.11, 4.4.13),
 *  an expired Ks too; one from before a power-down cannot be opened any more.
 *  \param[in] beside   the file is BESIDE.gba, the sealing key's BESIDE.gba.key \param[in] serial of the card
 *  \returns 0, also when there is nothing; -errno */
int key_store_open(struct key_store *ks, const char *beside, const char *serial, const struct impi *impi, time_t now,
		   struct err *err);

/*! Delete what is kept of other applications of the card, in BESIDE@....gba. \returns 0, also where there was nothing; -errno */
int key_store_others(const char *beside, struct err *err);

/*! There is no card (4.4.11): nothing that was made with one is kept. \returns 0, also where there was nothing; -errno */
int key_store_no_card(const char *beside, struct err *err);

/*! Write it down. \returns 0; -errno */
int key_store_save(const struct key_store *ks, struct err *err);

/*! Forget Ks and B-TID; with_tmpi: the TMPI as well ("card removed"). Writes. */
int key_store_forget(struct key_store *ks, bool with_tmpi, struct err *err);

/*! Wipe a copy. */
void key_store_clear(struct key_store *ks);

/*! Wipe what was opened, in memory; the file stays. */
void key_store_close(struct key_store *ks);
