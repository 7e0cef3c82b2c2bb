/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file name_table.h
 *  Names of hosts to things, without case: a hash table, so that ten thousand NAFs cost a request what ten do. Names
 *  may be chosen by those they are for (files of the policy directory), so a key decides what shares a place. */
#pragma once

#include <stdbool.h>
#include "common/base/bytes.h"

struct name_table;

/*! \returns malloc'ed; NULL no memory */
struct name_table *name_table_new(void);
/*! Only which names are there: what is behind them says nothing. One that stands twice is there once.
 *  \param[in] exact the case counts, as in what impi_key() gives \returns as name_table_new() */
struct name_table *name_table_of(char *const *names, size_t n, bool exact);
void name_table_free(struct name_table *t); /* may be NULL */

/*! \param[in] name copied \param[in] value lent, not NULL
 *  \returns 0; -EEXIST it is there, and stays as it is; -ENOMEM */
int name_table_put(struct name_table *t, const char *name, void *value);
/*! \returns value; NULL not there, or t is NULL */
void *name_table_get(const struct name_table *t, struct span name);
/*! Is this host name there, or "*" and what stands behind its first label? It may come from a peer: what is no DNS name is
 *  nobody's, under whatever wildcard. */
bool name_table_covers(const struct name_table *t, const char *fqdn);
/*! \returns value of the name, or of the nearest above it (a.b.c: itself, b.c, c); NULL none of them is there */
void *name_table_above(const struct name_table *t, const char *fqdn);
void name_table_del(struct name_table *t, const char *name);

/*! Most names that one look-up may have to compare. */
size_t name_table_longest(const struct name_table *t);
