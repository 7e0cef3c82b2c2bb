/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file disk.h
 *  A store in a directory of the test, and sessions by number. */
#pragma once

#include <lmdb.h>
#include "tests/store/harness.h"

extern char dir[256];
extern struct harness h;

/* Fixture of each test. */
void disk_setup(void);
void disk_teardown(void);

/*! Open the store in dir as h, with lmdb_cfg(). */
void open_store(void);
/*! All of data.mdb. \param[out] out to be freed. \returns octets */
size_t read_data(uint8_t **out);
/*! The store in dir does not open, and says so with this word and the name of the folder. */
void expect_refused(const struct store_lmdb_cfg *cfg, const char *word);
/*! Session number n, of a subscriber of its own. */
struct gba_session nth(unsigned n, bool with_tmpi);
int get_nth(unsigned n);
/*! Put n sessions of make(), all under way at once, so that they share few commits. \returns how many were put */
unsigned put_many(unsigned n, struct gba_session (*make)(unsigned n));
/*! Change what is in the database with LMDB alone; the store is not open. */
void disk_change(void (*change)(MDB_txn *txn, MDB_dbi dbi));
/*! A change: the record of the index key goes. */
void index_key_gone(MDB_txn *txn, MDB_dbi dbi);
