/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zh_decide.h
 *  What a MAR is answered (TS 29.109 4.2; 33.102 6.3.5). Pure: no I/O, no clock, no state. */
#pragma once

#include "common/gba/cause.h"
#include "common/gba/zh_msg.h"
#include "hss-sim/auc.h"

/*! What is known when the decision is made. */
struct zh_facts {
	bool known;         /* the IMPI is in the database */
	bool readable;      /* its record could be opened */
	enum auc_auts auts; /* of the AUTS, if the MAR has one */
	struct span guss;   /* empty: none */
	bool has_guss_timestamp;
	time_t guss_timestamp; /* inside the GUSS */
};

struct zh_decision {
	enum cause cause;
	struct result result;
	bool vector;      /* make one; only with 2001 */
	bool resync;      /* first continue from SQN_MS */
	struct span guss; /* AVP 400; empty: left out */
};

/*! \param[in] bad what zh_mar_decode() objected to; code 0: nothing */
void zh_decide(struct zh_decision *out, const struct zh_mar *mar, const struct result *bad, const struct zh_facts *f);

/*! No vector for a reason of ours: database, SEQ exhausted. */
void zh_decide_failed(struct zh_decision *out);

extern const char zh_guss_empty[]; /* the GUSS of a user who has none, for a BSF that asked with a timestamp */
