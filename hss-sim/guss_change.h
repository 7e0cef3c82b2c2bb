/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file guss_change.h
 *  What a GUSS that comes in makes of the one there is, whatever way it comes. Each change has an instant of its own, later than the
 *  one before, in milliseconds; and a timestamp, later than the one before in whole seconds, because that is all that GUSS-Timestamp
 *  has (TS 29.109 6.3.1.10) and a BSF keeps its copy as long as the two are equal. Pure. */
#pragma once

#include <stdbool.h>
#include <time.h>
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/gba/guss_edit.h"

/*! One as it is kept. */
struct guss_kept {
	struct span xml;    /* lent; empty: none */
	bool has_timestamp; /* of the last change, also of one that took the GUSS away */
	time_t timestamp;
	int64_t changed_ms; /* Unix time; 0: not known */
};

/*! A document that was checked. */
struct guss_coming {
	struct span xml; /* lent; empty: none */
	bool has_timestamp, has_id;
	time_t timestamp;
	char remarks[GUSS_REMARKS_MAX]; /* as guss_edit_check() makes them */
};

/*! All that is asked of a document before it is taken: guss_edit_check(), its timestamp at most a day ahead of now.
 *  \returns 0; -EBADMSG, err: "line N: what; allowed: ..."; -E2BIG; -ENOMEM */
int guss_change_read(struct guss_coming *out, struct span xml, const char *impi, time_t now, struct err *err);

/*! \param[out] out what is to be kept: if it changed, xml is malloc'ed in *made (NULL: none)
 *  \returns 1 it is another one; 0 the same but for its timestamp: nothing is to be written; -E2BIG with its timestamp more than
 *  a message can carry; -ENOMEM */
int guss_change(struct guss_kept *out, char **made, const struct guss_kept *there, const struct guss_coming *coming,
		int64_t now_ms);
