/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file visible.h
 *  What somebody else sent, before a terminal gets it: nothing may move the cursor, set a title, fill the clipboard or turn
 *  round what stands beside it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*! Letters, signs and blanks of UTF-8 stay. Control characters (C0 with ESC and CR, DEL, C1), format characters (such as those
 *  that change the direction of writing), what is invisible, unassigned or private, and octets that are no UTF-8 (overlong
 *  forms and surrogates, too) become \\xNN, each octet.
 *  \param[in] text  len octets, also NUL
 *  \param[in] lines the ends of lines (LF, CR LF) and tabs stay
 *  \returns malloc'ed and NUL-terminated; NULL: no memory */
char *visible_text(const void *text, size_t len, bool lines);

/*! The same, written to a stream. */
void visible_print(FILE *to, const void *text, size_t len, bool lines);

/*! Write JSON, which a library made in ASCII (jansson: JSON_ENSURE_ASCII), and a line end. DEL, which JSON need not escape,
 *  becomes \\u007f: the values stay what they are. \param[in] json NULL (no memory): nothing is written */
void visible_json(FILE *to, const char *json);
