/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ue_realm.h
 *  A card at an operator: its key, the run that makes one, and when the key ends (TS 33.220 4.4.11). */
#pragma once

#include "ue/lib/ub_client.h"

struct ue_realm {
	char *name, *card_path;
	char *bsf;   /* URL; NULL: made from the card */
	char *state; /* keys are in STATE.gba, those of another application than the first in STATE@AID.gba; NULL: beside the card's own state */
	int (*open)(struct card **out, const char *path, struct err *err); /* the way to the card */
	char url[BSF_NAME_MAX + 16];
	struct card *card;     /* NULL: none, and keys is empty */
	struct key_store keys; /* of this card */
	struct http_get *http; /* of all its runs */
	struct ub_client ub;   /* ub.run: one is under way */
	unsigned long drops;   /* how often a key was deleted before its time or at its end */
	enum ue_cause last;    /* of the last run */
	struct err why;        /* of it */
	struct ue_trail trail; /* of it */
	bool given;            /* somebody has the key that is there */
	unsigned renew_s;      /* before its end it is made anew; 0: not */
	time_t renews_of;      /* the end of the key that renew_at is for */
	time_t renew_at;       /* wall clock */
	uint64_t check_at;     /* ms, monotonic: when the card is looked at again */
};

/*! \param[in] others may be NULL \returns new object, no card open; NULL: no memory, or libcurl */
struct ue_realm *ue_realm_new(const char *name, const char *card_path, const char *bsf, const char *state,
			      const struct http_get_cfg *http, struct err *err);

/*! Everything in memory is wiped; what is on disk stays. */
void ue_realm_free(struct ue_realm *r);

/*! Before each use: is the card there, and the one the keys are of? Opened if it was not. A card that is gone, or was, takes its
 *  keys and TMPI with it.
 *  \returns 0; -ENODEV, -ENOENT no card; -EIO it cannot be told; -errno */
int ue_realm_ready(struct ue_realm *r, struct err *err);

/*! Choose the application of the card a program prefers (33.220 4.4.8); ue_realm_ready() before. The keys of another one stay where
 *  they are until it is chosen again.
 *  \returns 0; -EAGAIN a run of another one is under way; -ENOENT no such application; -EBUSY a USIM beside the active one; -ENODEV;
 *  -EACCES; -errno */
int ue_realm_choose(struct ue_realm *r, enum card_wish wish, const char *name, struct err *err);

/*! What is due now: the end of a key, a run before that, a look at a card that tells of its removal. */
void ue_realm_life(struct ue_realm *r);

/*! \returns ms until ue_realm_life() has something to do, -1: nothing. \param[out] at set if a key ends then, or is made anew: wall clock; else 0 */
int ue_realm_next(const struct ue_realm *r, time_t *at);

/*! Begin a run; ue_realm_ready() before. \returns UE_CAUSE_pending, or why not */
enum ue_cause ue_realm_start(struct ue_realm *r, struct err *err);

/*! Go on with what is under way. */
void ue_realm_step(struct ue_realm *r);

/*! Delete its key now, in memory and on disk. \returns 0; -ENODEV no card, nothing there; -errno */
int ue_realm_drop(struct ue_realm *r, bool with_tmpi, struct err *err);
