/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file auth_param.h
 *  The list of name=value pairs that Authorization, WWW-Authenticate and Authentication-Info share (RFC 7235 2.1),
 *  read generously and written strictly. Pure. */
#pragma once

#include "common/base/bytes.h"

#define AUTH_PARAMS_MAX 64 /* parameters of one header, known and unknown */

/*! Where the value of a known parameter goes: a struct span at offset in the caller's struct. */
struct auth_slot {
	const char *name;
	size_t offset;
	bool quote; /* how we write it */
};

/*! Skip blanks, folded lines (obs-fold) and, if commas is set, empty list elements (a semicolon counts as a comma). */
void auth_skip(struct span *rest, bool commas);

/*! Take a scheme name off the front; white space, a comma or the end follows.
 *  \returns 0; -EBADMSG no name there */
int auth_scheme_take(struct span *scheme, struct span *rest);

/*! Take parameters until the end, or until a word that is no parameter, where the next challenge begins.
 *  White space may stand around '=' and, like a semicolon, may replace the comma; values may be quoted or not; unknown names are skipped.
 *  Values with backslash escapes are refused in known parameters: implementations differ in what they hash.
 *  \param[out] out    struct of the slots, zeroed by the caller; absent: p NULL; empty quoted value: p set, len 0
 *  \param[in,out] rest  what is left
 *  \param[in,out] count parameters seen so far, -E2BIG beyond AUTH_PARAMS_MAX
 *  \returns 0; -EBADMSG bad syntax, or a known parameter twice; -E2BIG */
int auth_params_take(void *out, const struct auth_slot *slots, size_t n, struct span *rest, size_t *count);

/*! The same for a header of one list: at least one parameter, and nothing behind the last. \returns as auth_params_take() */
int auth_params_only(void *out, const struct auth_slot *slots, size_t n, struct span list);

/*! Before the headers of an answer are parsed: take away, in place, the backslashes in quoted strings that were not needed.
 *  RFC 9110 5.6.4 lets a sender escape any octet, and the value is without the backslash; some escape the '/' of base64. Where
 *  a quote or a backslash is escaped the pair stays, for the parsers to refuse.
 *  \param[in,out] text NUL-terminated; quoted strings end with their line. NULL: nothing is done */
void auth_unescape(char *text);

/*! Write lead, then the slots that are present, in their order, separated by ", ".
 *  \returns length without NUL; -ENOSPC; -EINVAL a value holds what its form cannot carry */
int auth_params_format(char *out, size_t cap, const char *lead, const void *in, const struct auth_slot *slots,
		       size_t n);

/*! For the fuzz targets: every span lies in the input; aborts otherwise. */
void auth_params_assert_inside(const void *in, const struct auth_slot *slots, size_t n, struct span input);
