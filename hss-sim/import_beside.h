/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file import_beside.h
 *  An import while gba-hss-simd serves: its control socket says that one may be, and is told when it is over, so that what the
 *  daemon has in memory is read anew. */
#pragma once

#include "common/base/ctl_client.h"
#include "hss-sim/import.h"

struct import_beside {
	struct ctl_client daemon; /* fd -1: none */
	char *path;               /* of its socket; malloc'ed */
};

/*! The database could not be opened: is that because a daemon has it, and may we write beside it?
 *  \param[in,out] o beside is set
 *  \param[in] why_not -errno of opening
 *  \param[in,out] err why the database could not be opened; else why not beside
 *  \returns 0; -errno */
int import_beside_begin(struct import_beside *b, struct import_options *o, int why_not, struct err *err);

/*! Tell it. Without an import_beside_begin() that succeeded nothing happens. */
void import_beside_end(struct import_beside *b);
