/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file card.h
 *  The card as the device sees it (TS 31.102 7.1, TS 31.103 7.1): one interface, whatever the way to it. A card states what
 *  can be asked of it; everything else is -ENOTSUP. One thread at a time. */
#pragma once

#include <stdbool.h>
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/crypto/aka.h"
#include "common/gba/btid.h"
#include "common/gba/impi.h"

/*! What a card can do through the way it is reached: the way's ability and the card's service table together. */
enum card_cap {
	CARD_CAP_3G = 1 << 0, /* card_authenticate() in 3G context */
	CARD_CAP_GBA =
		1 << 1, /* card_authenticate() in GBA context, card_derive(): service 68 of a USIM, 2 of an ISIM */
	CARD_CAP_FILES = 1 << 2, /* card_gbabp_read(), card_gbabp_write() */
	CARD_CAP_REMOVAL =
		1 << 3, /* card_check() tells a pulled or swapped card at once; else it reads the ICCID again */
};

/*! Which of the card's applications it is (33.220 4.4.8). */
enum card_app { CARD_APP_USIM, CARD_APP_ISIM };

/*! Which application is wished for: of the card's line, or by a program for one key. */
enum card_wish { CARD_WISH_ANY, CARD_WISH_USIM, CARD_WISH_ISIM, CARD_WISH_LABEL, CARD_WISH_IMPI };

enum card_context { CARD_CONTEXT_3G, CARD_CONTEXT_GBA };

enum card_outcome {
	CARD_OK,
	CARD_MAC_FAILURE,  /* the network does not know K, or means the other context (33.220 5.3.2): refuse it */
	CARD_SYNC_FAILURE, /* AUTS */
};

struct card_answer {
	enum card_outcome outcome;
	struct secret res;          /* 4..16 octets; in GBA context as the card gives it, its last bit turned over */
	struct secret ck, ik;       /* 16 octets each in 3G context; empty in GBA context: they never leave the card */
	uint8_t auts[AKA_AUTS_LEN]; /* of CARD_SYNC_FAILURE */
};

static inline void card_answer_clear(struct card_answer *a)
{
	OPENSSL_cleanse(a, sizeof(*a));
}

#define CARD_LIFETIME_MAX 64 /* characters of an xs:dateTime, and room */

/*! EF_GBABP (31.102 4.2.79): to which run the Ks on the card belongs. */
struct card_gbabp {
	bool has_rand; /* false: the card has no Ks */
	uint8_t rand[AKA_RAND_LEN];
	char btid[BTID_MAX + 1];              /* "" none yet */
	char lifetime[CARD_LIFETIME_MAX + 1]; /* "" none yet; text of whoever wrote it */
};

#define CARD_SERIAL_MAX 63

struct card_ops;

/*! Common head of every kind of card; read it, do not write it. */
struct card {
	const struct card_ops *ops;
	unsigned caps;     /* enum card_cap */
	enum card_app app; /* whose keys these are */
	char imsi[16];     /* "" where the application is an ISIM */
	struct impi impi;
	char bsf_name[BSF_NAME_MAX + 1]; /* 23.003 16.2, of this application */
	char serial[CARD_SERIAL_MAX +
		    1]; /* tells this card in its place from another and from itself put in again: keys that
					   * were made under another serial are over (33.220 4.4.11) */
	char variant
		[34]; /* "" the application that was chosen when the card was opened; of another one "@" and its AID:
			   * what is kept of it stands apart */
	char *state_path; /* files of the device for this card stand beside it */
};

/*! AUTHENTICATE. The MAC is checked before SQN (33.102 6.3.3). What the card remembers of it is on its disk before out is
 *  filled. In GBA context the card makes Ks and keeps it with RAND; B-TID and lifetime follow by card_gbabp_write().
 *  \returns 0 and an outcome; -ENOTSUP not this context; -ENODEV the card is gone; -EACCES PIN; -EIO; -errno */
int card_authenticate(struct card *c, struct card_answer *out, enum card_context context,
		      const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN], struct err *err);

/*! NAF derivation inside the card, from the Ks of its last run in GBA context (31.102 7.1.1.5). Ks_int_NAF stays there.
 *  \param[out] ks_ext_naf 32 octets
 *  \param[in]  naf_id FQDN || 5 octets, at most 255
 *  \param[in]  impi   UTF-8, never the TMPI, at most 255
 *  \returns 0; -ENOKEY the card has no Ks; -ENOTSUP; -ENODEV; -EACCES; -EIO; -errno */
int card_derive(struct card *c, struct secret *ks_ext_naf, struct span naf_id, struct span impi, struct err *err);

/*! \returns 0, also where the card has no Ks; -ENOTSUP; -ENODEV; -EACCES; -EIO; -errno */
int card_gbabp_read(struct card *c, struct card_gbabp *out, struct err *err);

/*! Write B-TID and lifetime beside the RAND of the card's last run (31.102 5.2.20).
 *  \returns 0; -ENOSPC the file of this card is too short; -ENOTSUP; -ENODEV; -EACCES; -EIO; -errno */
int card_gbabp_write(struct card *c, const char *btid, const char *lifetime, struct err *err);

/*! Choose an application of the card by TS 33.220 4.4.8; those that were chosen before stay active. One is the chosen one at
 *  any time: identity, capabilities and BSF name of c are of it.
 *  \param[in] name       label or IMPI, of the two wishes that have one
 *  \param[in] may_switch false: only look whether it is the chosen one
 *  \returns 0; -EAGAIN another one would be chosen; -ENOENT no such application; -EBUSY a USIM that is not the active one;
 *  -EACCES PIN; -ENODEV; -EIO; -errno. On error the one that was chosen still is */
int card_prefer(struct card *c, enum card_wish wish, const char *name, bool may_switch, struct err *err);

/*! Is it still the card that was opened, and was it there all the time?
 *  \returns 0; -ENODEV it is gone, or was: its keys are over (33.220 4.4.11); -EIO cannot be told */
int card_check(struct card *c, struct err *err);

/*! \param[in] c NULL is fine */
void card_close(struct card *c);

/*! Soft USIM from a file in the grammar of conf/usim-1.cfg. K and OP or OPc are wiped on close.
 *  \returns 0 and a card; -EACCES file readable by others; -EBUSY in use by another process; -EINVAL, -ENOENT */
int card_soft_open(struct card **out, const char *path, struct err *err);

/*! Any card, named by one text: a file's name is a soft card's; else KIND:WHERE and words behind commas:
 *  soft:FILE, pcsc:READER (the name or a part that only one reader has), rest:URL#SLOT, modem:DEVICE; app=any|usim|isim|LABEL,
 *  pin-file=FILE, state=FILE, mnc-length=2|3, timeout=1..60 (seconds for one answer of reader,
 *  modem or server; default 10).
 *  \returns 0 and a card; -EINVAL; -ENODEV no reader, no card; -ENOENT no file, no such application; -EACCES PIN or file; -EBUSY; -ENOTSUP
 *  built without it; -EIO; -errno */
int card_open(struct card **out, const char *text, struct err *err);

/*! Is this text of card_open() the name of a file and nothing else? */
bool card_is_file(const char *text);
