/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file relay_decide.h
 *  May a BIR go on to the home of its subscriber (TS 33.220 4.2.2a, annex E)? Pure. */
#pragma once

#include <stdbool.h>
#include "common/gba/cause.h"
#include "common/gba/result.h"

/*! What was found out of a BIR. */
struct relay_facts {
	bool own_origin; /* Origin-Host is the NAF whose connection it is, and that one is configured */
	bool speaks_for; /* the NAF-Id's host name is one of those the NAF has */
	bool ua_id;      /* and its Ua identifier is none that is forbidden */
	bool gsids;      /* all that are asked for are allowed to this NAF */
	bool btid;       /* the Transaction-Identifier is a B-TID */
	bool own_home;   /* of our own operator's BSF, or to its realm */
	bool home;       /* B-TID and Destination-Realm are of one home that we know */
	bool to_us;      /* Destination-Host is our identity */
	bool connected;  /* a BSF of that home may be asked now */
	bool covered;    /* our certificate there is for the NAF-Id's host name */
};

/*! \param[out] r the answer's, where it does not go on. \returns CAUSE_znproxy_ok: it goes on */
enum cause relay_decide(struct result *r, const struct relay_facts *f);
