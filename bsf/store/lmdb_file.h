/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file lmdb_file.h
 *  data.mdb before LMDB maps it: whose it is, whether it is whole, and what of a damaged one can be saved. */
#pragma once

#include "bsf/store/lmdb_pages.h"
#include "bsf/store/marks.h"
#include "bsf/store/record.h"
#include "bsf/store/store.h"

struct lmdb_new;

/*! Lock data.mdb itself (made if there never was one) and look at each of its pages. A damaged one is replaced by what
 *  can be read of it and kept as data.mdb.damaged; with cfg->check nothing is changed, and the log says what would be.
 *  \param[out] damaged it still is (check): LMDB must not open it
 *  \returns descriptor that holds the lock, close it last; -EBUSY another process has it; -EBADMSG nothing can be read,
 *  or it is gone or empty although a store was made here; -errno; err says file and cure */
int lmdb_file_open(const struct store_lmdb_cfg *cfg, bool *damaged, struct err *err);

/*! Only lock data.mdb; with cfg->check it must be there. \returns as lmdb_file_open() */
int lmdb_file_lock(const struct store_lmdb_cfg *cfg, struct err *err);

/*! Write what can be read of fd as a new data.mdb.
 *  \param[out] n how much \param[in] from folder of fd, whose index key is taken where the file has lost it
 *  \param[in] into a folder, empty \param[in] each decides what is put into n; NULL: all that is ours
 *  \returns 0, look whether n->has_meta; an error of LMDB, errno, or as lmdb_pages_walk() */
int lmdb_file_salvage(struct lmdb_new *n, struct lmdb_pages *seen, int fd, const char *from, const char *into,
		      lmdb_pages_fn *each, void *owner);

/*! A store is in the file, durably: from now on an empty one is a loss, not a beginning. Keeps the one record without
 *  which no other can be found, so that no single page is worth the whole store.
 *  \param[in] meta value of LMDB_META_KEY, sealed
 *  \returns 0; -errno */
int lmdb_file_made(const char *dir, struct span meta);

/*! The key of the record without which no other is found: the index key, sealed. */
#define LMDB_META_KEY     "meta"
#define LMDB_META_KEY_LEN (sizeof(LMDB_META_KEY) - 1)
/* That of a mark (marks.h): 'M', kind, tag. */
#define LMDB_MARK_KEY_LEN (2 + MARK_TAG_LEN)

/*! The key of the record that is there while a pass of lmdb_reseal() is under way: KEK, where it is. */
#define LMDB_RESEAL_KEY     "reseal"
#define LMDB_RESEAL_KEY_LEN (sizeof(LMDB_RESEAL_KEY) - 1)

/*! The key of the record that lists the KEKs that have sealed here, an octet each: an octet that is none of them is damage. */
#define LMDB_KEKS_KEY     "sealers"
#define LMDB_KEKS_KEY_LEN (sizeof(LMDB_KEKS_KEY) - 1)

/*! Is it the key of a record that is neither session nor mark? */
static inline bool lmdb_key_is_own(size_t len)
{
	return len == LMDB_META_KEY_LEN || len == LMDB_RESEAL_KEY_LEN || len == LMDB_KEKS_KEY_LEN;
}
