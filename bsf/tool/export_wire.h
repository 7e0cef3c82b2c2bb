/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file export_wire.h
 *  The file of "gba-store export": what a store holds, sealed as it lies there. Pure.
 *
 *      "gba-store export 1" LF
 *      key length 1 | value length 4 | key | value     the index key, and each record
 *      0 | how many 8 | SHA-256 of all before this hash 32 */
#pragma once

#include "common/base/bytes.h"

#define EXPORT_HEAD      "gba-store export 1\n"
#define EXPORT_HEAD_LEN  (sizeof(EXPORT_HEAD) - 1)
#define EXPORT_ITEM_LEN  5 /* before key and value */
#define EXPORT_END_LEN   9 /* before the hash */
#define EXPORT_HASH_LEN  32
#define EXPORT_KEY_MAX   32
#define EXPORT_VALUE_MAX (1u << 24)

struct export_item {
	struct span key, value; /* lent from the file */
};

/*! What stands before the key. */
void export_item_head(uint8_t out[EXPORT_ITEM_LEN], struct span key, struct span value);
void export_end(uint8_t out[EXPORT_END_LEN], uint64_t items);

/*! The next item. \param[in] rest behind the head at first, moved on
 *  \returns 1; 0 that was the last, and the hash follows; -EBADMSG */
int export_next(struct export_item *out, struct span *rest);

/*! Is it whole? \param[out] items \returns 0; -EBADMSG and why in words, static */
int export_check(struct span file, uint64_t *items, const char **why);
