/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_proof.h
 *  Is the name of an application its provider's? He shows it by a TXT record that only who has the zone can write; asked for again and
 *  again, because names are given up and sold. Or the operator gives his word. */
#pragma once

#include "common/gba/naf_id.h"
#include "reg/reg_call.h"
#include "reg/reg_dns.h"
#include "reg/reg_text.h"

#define REG_PROOF_LABEL "_gba-challenge" /* below it, at the application's name, the record is looked for */

/*! How it is asked; configured. */
struct reg_proof_cfg {
	struct sockaddr_storage server; /* ss_family 0: those of the system */
	int interval_s;                 /* between two times; after "could not ask" a 24th of it */
	int lapse_s; /* so long after it was shown last it is suspended; four times that where nobody could be asked */
};

/*! One application, asked for. */
struct reg_asked {
	int64_t app, wishes; /* wishes: when it was asked; a later one is not served by that */
	char fqdn[FQDN_MAX + 1], token[64];
	enum reg_dns is;
	struct err err; /* why it could not be asked */
};

/*! For an order of the registry itself: what the answer says of the application, which may be suspended by it, or back. */
int reg_proof_note(struct reg_order *o, struct reg_db *db, const struct reg_asked *a);

/*! An operator decides on the state of an application: he approves none whose name is nobody's, or not shown any more. \returns 0; -EPERM: refused; -EIO */
int reg_proof_decided(struct reg_order *o, struct reg_db *db, const struct reg_app *a, const char *state);

/* Orders of the ASP whose it is, and of operators. */

/*! fqdn: what is to be shown where, and how it stands. */
int reg_proof_show(struct reg_order *o, struct reg_db *db);
/*! fqdn by ("dns", also if not there: ask now, the answer is that of before; "word": of operators only, nothing is asked any more). */
int reg_proof_order(struct reg_order *o, struct reg_db *db);
