/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file vuicc.h
 *  A UICC in software with a USIM and an ISIM (TS 102.221, 31.102, 31.103): commands in, answers out. No I/O: what must not
 *  be forgotten is handed to save() before an answer leaves. */
#pragma once

#include "ue/card/sim_state.h"
#include "ue/vuicc/apdu.h"

#define VUICC_ANSWER_MAX (256 + 2)
#define VUICC_AID_LEN    16
#define VUICC_PIN_LEN    8 /* padded with FF */
#define VUICC_FILE_MAX   255
#define VUICC_NAFS       5 /* records of EF_GBANL */

/*! A NAF whose keys the card has derived: a record of EF_GBANL and what stays inside. */
struct vuicc_naf {
	uint8_t len; /* of naf_id; 0: empty */
	uint8_t naf_id[VUICC_FILE_MAX];
	char btid[BTID_MAX + 1];
	struct secret ks_int;
	uint64_t used; /* larger: later */
};

/*! What the two applications have of their own. */
struct vuicc_app {
	bool there;
	enum card_app kind;
	uint8_t aid[VUICC_AID_LEN];
	struct sim sim;                /* sqn: that of the card, both have its K */
	uint8_t gbabp[VUICC_FILE_MAX]; /* EF_GBABP */
	struct vuicc_naf naf[VUICC_NAFS];
};

#define VUICC_USIM 0
#define VUICC_ISIM 1
#define VUICC_APPS 2

struct vuicc_file;

struct vuicc_channel {
	bool open;
	struct vuicc_app *active; /* selected by its AID; NULL: none */
	struct vuicc_app *app;    /* whose folder is the current one; NULL: the MF */
	const struct vuicc_file *file;
	uint8_t waiting[256]; /* for GET RESPONSE */
	size_t n_waiting;
};

/*! One of PIN and PUK. */
struct vuicc_pin {
	uint8_t value[VUICC_PIN_LEN];
	uint8_t tries;
};

struct vuicc {
	/* from the configuration */
	char imsi[16], iccid[21];
	int mnc_len;
	struct impi impi;
	char domain[BSF_NAME_MAX + 1];
	bool gba;   /* service 68, and 2 of the ISIM */
	bool p2_85; /* also takes NAF derivation with P2 85 */
	uint8_t gbabp_len, gbanl_len;
	bool has_pin;
	struct aka_cred cred;
	/* kept */
	struct vuicc_pin pin, puk;
	struct vuicc_app app[VUICC_APPS];
	uint64_t naf_clock;
	/* until reset */
	bool pin_done;
	struct vuicc_channel channel[APDU_CHANNELS];

	int (*save)(
		struct vuicc *u); /* to disk, or where kill -9 does not reach; 0 or -errno: then nothing has happened */
	void *save_arg;
};

/*! Power on: basic channel open, PIN not verified. */
void vuicc_reset(struct vuicc *u);

extern const struct span vuicc_atr;

/*! One command.
 *  \param[in] cmd octets of anybody \param[out] answer data and status word
 *  \returns octets of answer, 2..VUICC_ANSWER_MAX */
size_t vuicc_command(struct vuicc *u, const uint8_t *cmd, size_t len, uint8_t answer[VUICC_ANSWER_MAX]);

void vuicc_clear(struct vuicc *u);

/* --- between the files of this folder */

/*! Answer of a command that went well: data in out, its length in n. */
typedef enum apdu_sw vuicc_fn(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out, size_t *n);

vuicc_fn vuicc_select, vuicc_status, vuicc_read_binary, vuicc_read_record, vuicc_update_binary, vuicc_update_record;
vuicc_fn vuicc_verify, vuicc_unblock, vuicc_authenticate;

/*! May this session do what wants the PIN? */
bool vuicc_may(const struct vuicc *u);
