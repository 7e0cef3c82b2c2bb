/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ctl_line.h
 *  A request on the control socket: one line, and behind it as many octets as its last word says, if there is a document.
 *
 *      NUMBER WORD [WORD...] [+OCTETS] LF [octets]
 *
 *  A last word with an @ is an argument also where it begins with a plus: a B-TID may, as base64 does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/base/err.h"

#define CTL_LINE_MAX     4096        /* octets, with the line end */
#define CTL_WORDS_MAX    16          /* the number and the octets not counted */
#define CTL_NUMBER_MAX   18          /* decimal digits */
#define CTL_DOCUMENT_MAX (64u << 20) /* octets; what a command takes may be less */

struct ctl_line {
	uint64_t number;
	size_t n;
	const char *word[CTL_WORDS_MAX]; /* in the line */
	bool has_document;
	size_t octets; /* of the document, 0..CTL_DOCUMENT_MAX */
};

/*! Pure.
 *  \param[in,out] line NUL-terminated, attacker-controlled, without line end; cut into words, which out points to
 *  \returns 0; -EINVAL and what is allowed in err: behind such a line nobody knows where the next one begins. out->number is set
 *           where it can be read, and 0 where not; the rest of out is untouched */
int ctl_line_parse(struct ctl_line *out, char *line, struct err *err);
