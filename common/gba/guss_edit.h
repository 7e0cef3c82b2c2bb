/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file guss_edit.h
 *  A GUSS document on its way in: is it what one may be (TS 29.109 annex A, TS 33.220 4.2.3), and the same document with another
 *  timestamp, whatever else is in it. Where a BSF reads a GUSS it is more lenient: guss.h. */
#pragma once

#include <time.h>
#include "common/base/bytes.h"
#include "common/base/err.h"

#define GUSS_REMARKS_MAX 512

/*! Pure.
 *  \param[in] impi whose it is to be
 *  \param[out] remarks of elements that are kept and mean nothing here, perhaps misspelt or in a wrong place: "line N: NAME", "; "
 *              between them, cut where it does not fit; "" none
 *  \returns 0; -EBADMSG, err "line N: what; allowed: ..."; -E2BIG; -ENOMEM */
int guss_edit_check(struct span xml, const char *impi, char remarks[GUSS_REMARKS_MAX], struct err *err);

struct guss;
/*! The same for who wants to know what it says, too. \param[out] out for guss_free(); untouched on error */
int guss_edit_read(struct guss **out, struct span xml, const char *impi, char remarks[GUSS_REMARKS_MAX],
		   struct err *err);

/*! The same document with this in guss/Extension/timestamp; all else stays, also what is not known here.
 *  \param[in] xml that guss_edit_check() has passed
 *  \param[out] out malloc'ed. \returns 0; -ENOMEM; -EINVAL no such instant can be written */
int guss_edit_stamp(char **out, size_t *len, struct span xml, time_t timestamp);
