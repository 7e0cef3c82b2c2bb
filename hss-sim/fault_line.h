/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file fault_line.h
 *  Behaviours as words, and a scenario: a text of lines
 *
 *      subscriber all|IMPI: BEHAVIOUR [VALUE] [times N] [seconds S]
 *
 *  in UTF-8; a comma may end a word, what begins with # or ! is a comment. Pure. */
#pragma once

#include "common/base/bytes.h"
#include "hss-sim/fault.h"

#define FAULT_WORDS_MAX    6           /* behaviour, value, times N, seconds S */
#define FAULT_SCENARIO_MAX (64u << 10) /* octets */

/*! \param[in] words behaviour first. \returns 0; -EINVAL, err: what is wrong; allowed: ... */
int fault_words_read(struct fault *out, const char *who, const char *const *words, size_t n, struct err *err);

/*! Read a scenario whole, or nothing of it.
 *  \param[out] out what it asks for, in the order of its lines; each one's turn begins at now_ms. \param[in] known may such a
 *  subscriber be named? 0, or -ENOENT; NULL: any may
 *  \returns 0; -EINVAL, err: "line N: what; allowed: ..." */
int fault_scenario_read(struct faults *out, struct span text, uint64_t now_ms,
			int (*known)(void *owner, const char *impi), void *owner, struct err *err);
