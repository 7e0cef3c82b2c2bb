/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file tool.h
 *  What gba-store does with a store that no daemon uses. Each prints what it found or did on standard output. */
#pragma once

#include "common/base/err.h"
#include "common/crypto/seal.h"

struct tool_keks {
	struct seal_kek k[SEAL_KEKS_MAX];
	size_t n;
};

/*! One more, as it is given: ID=PATH, ID=credential:NAME or ID=pkcs11:MODULE,TOKEN,KEY,PIN-FILE. \returns 0; -errno and err */
int tool_kek_add(struct tool_keks *keks, const char *text, struct err *err);
void tool_keks_free(struct tool_keks *keks);

/*! What there is, by kind and KEK. Needs no key. \returns 0; 1 the file is damaged; -errno and err */
int tool_count(const char *dir, struct err *err);
/*! The same, and opens every record. \returns 0 all is well; 1 not; -errno and err */
int tool_check(const char *dir, const struct tool_keks *keks, struct err *err);

/*! What can be read, into a new folder. With keks what does not open goes to its file quarantine.gba, in the form of an export.
 *  \returns 0; -errno and err, and the new folder is not there */
int tool_salvage(const char *dir, const char *into, const struct tool_keks *keks, struct err *err);

/*! All of a whole store into a new file. \returns 0; -errno and err, and the file is not there */
int tool_export(const char *dir, const char *file, struct err *err);
/*! All of an export into a new folder. \returns 0; -errno and err, and the folder is not there */
int tool_import(const char *file, const char *dir, struct err *err);

/* --- between the files of the tool */

/*! Lock and find data.mdb. \returns descriptor; -errno and err */
int tool_open(const char *dir, struct err *err);

/*! To open records with; the index key is not in it. \returns 0; -EINVAL and err; for seal_free() */
int tool_seal(struct seal **out, const struct tool_keks *keks, struct err *err);
