/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file names.h
 *  A short list of words, as written and in that order: what a NAF's policy holds. malloc'ed, so that it may cross threads. */
#pragma once

#include <stdbool.h>
#include "common/base/bytes.h"

struct names {
	char **s; /* n of them, NUL-terminated */
	size_t n;
};

/*! Add a copy of name at the end. One that is there already stays as it is.
 *  \param[in] name without a NUL \returns 0; -E2BIG there are max already; -ENOMEM */
int names_add(struct names *l, struct span name, size_t max);
/*! The first that is name, whatever its case. \returns 0; -ENOENT */
int names_del(struct names *l, struct span name);
/*! \returns true: one of them is name, whatever its case */
bool names_has(const struct names *l, struct span name);
/*! out need not be clear before, and is clear on error. \returns 0; -ENOMEM */
int names_copy(struct names *out, const struct names *l);
/*! Frees what is in it; it is empty then. */
void names_clear(struct names *l);
