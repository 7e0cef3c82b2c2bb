/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file relay_log.h
 *  How a BIR ended: a counter, and a line. */
#pragma once

#include "common/base/bytes.h"
#include "common/gba/cause.h"
#include "common/gba/result.h"

/*! All lent; what is not known is NULL. */
struct relay_end {
	enum cause cause;
	const struct result *result;
	const char *peer;   /* the NAF's connection */
	const char *origin; /* left out where it is the same */
	const char *naf;    /* host name of the NAF-Id */
	struct span btid;
	const char *home, *bsf;
};

void relay_log(const struct relay_end *e);
