/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_pages.h
 *  The file of LMDB 0.9 (data version 1) read without the library, which trusts what it maps: a damaged page there is an
 *  assertion, a signal, or entries that never were. Every number is checked before it is used. */
#pragma once

#include "common/base/bytes.h"

#define LMDB_PAGES_WHAT_MAX 96

struct lmdb_pages {
	uint64_t entries;               /* found on whole pages */
	uint64_t promised;              /* by the header page */
	bool damaged;                   /* LMDB must not work on it */
	char what[LMDB_PAGES_WHAT_MAX]; /* the first damage, in words; "" if there is none */
};

/*! One entry, in the order of the tree; key and value are lent for the call. \returns 0; an error ends the walk */
typedef int lmdb_pages_fn(void *owner, struct span key, struct span value);

/*! Walk the tree of the last commit and the list of free pages: each page once, none of them free, keys in order, as
 *  many entries as the header says. What is on pages outside the tree is old and never shown.
 *  \param[in] fd of data.mdb, readable
 *  \param[in] each NULL: values on pages of their own are not read
 *  \param[out] out as far as it came
 *  \returns 0, look at out->damaged; -EBADMSG a header page is none, nothing can be found; -ENOMEM; what each returned */
int lmdb_pages_walk(int fd, lmdb_pages_fn *each, void *owner, struct lmdb_pages *out);
