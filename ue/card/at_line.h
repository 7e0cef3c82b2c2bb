/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file at_line.h
 *  What a modem says, line by line (TS 27.007, ITU-T V.250): the end of a command, its answer, or neither: echo, what comes
 *  unasked. Pure. */
#pragma once

#include "common/base/bytes.h"

#define AT_LINE_MAX 2048 /* characters */

enum at_kind {
	AT_NOISE,   /* an echo, a line nobody asked for, an empty one */
	AT_ANSWER,  /* begins as was asked; value is what stands behind */
	AT_OK,      /* the end */
	AT_ERROR,   /* the end; code is that of +CME ERROR, or -1 */
	AT_NO_CARD, /* the end: a CME error that says there is no card */
};

/*! \param[in] line without its end \param[in] prefix "+CGLA:", or "": any line that begins with a digit
 *  \param[out] value points into line \param[out] code set for AT_ERROR */
enum at_kind at_line_read(struct span line, const char *prefix, struct span *value, int *code);

/*! Of `N,"HEX"` or `N,HEX` the octets; N counts the digits. \returns octets; -EBADMSG, also where N does not fit */
int at_line_hex(uint8_t *out, size_t cap, struct span value);
