/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_local.h
 *  Is a request for us, and for which command (RFC 6733 6.1.3, 6.1.4)? What an agent would send on is refused, unless we are one.
 *  Pure. */
#pragma once

#include "common/dia/dia_check.h"

struct dia_local {
	const char *identity;
	const char *const
		*realms; /* own realm and BSF names; a Destination-Host equal to one is ours as its realm is */
	size_t n_realms;
	const struct dia_grammar *const *served;
	size_t n_served;
	bool agent; /* requests to others are served, too: who serves the command finds out where they go */
};

/*! Judge the header and the addressing of a request; its AVPs are then dia_check()'s.
 *  Codes: 3007 application, 3001 command, 3008 E set or P clear, 3005 our name in a Route-Record, 3002 another host,
 *  3003 another realm.
 *  \param[in] msg DIA_HDR_LEN octets at least, R set
 *  \returns the grammar to check it with; NULL: f says why */
const struct dia_grammar *dia_local(struct dia_fault *f, struct span msg, const struct dia_local *l);
