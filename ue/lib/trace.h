/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file trace.h
 *  "-v": each HTTP message on stderr; digest values that stand for a key are masked, and nothing a server sends
 *  steers the terminal. */
#pragma once

#include <stddef.h>

/*! \param[in] mark '>' out, '<' in, ' ' body */
void trace_message(char mark, const char *text, size_t len);

/*! Replace the values of response and rspauth by asterisks, in place; quoted or not, blanks around the "=". */
void trace_mask(char *line, size_t len);
