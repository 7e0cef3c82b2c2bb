/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file naf_dir.h
 *  The policy directory as it was when it was read: its files by name. Immutable but for its holders, so that tables share it. What the
 *  directory gives in which order makes no difference. */
#pragma once

#include "bsf/policy/naf_file.h"

struct naf_dir {
	char *path;
	struct naf_file **files; /* held, by name */
	size_t n;
	size_t read;        /* how many of them were read, the others are what they were */
	size_t in_state[4]; /* enum naf_file_state: how many */
	unsigned took_ms;
};

/*! Look at it, and read what has changed. Slow; any thread, one at a time.
 *  \param[in] former as it was the last time; NULL: never
 *  \param[out] out   held; written on success only
 *  \returns 0; -errno and the reason: the directory, or all of it, cannot be read now */
int naf_dir_read(struct naf_dir **out, const char *path, const struct naf_dir *former, struct err *err);

/*! \returns d */
struct naf_dir *naf_dir_hold(struct naf_dir *d);
/*! The last one frees. d may be NULL. Any thread */
void naf_dir_drop(struct naf_dir *d);

/*! \returns true: a and b say the same */
bool naf_dir_same(const struct naf_dir *a, const struct naf_dir *b);
/*! \returns the file of that name; NULL: there is none */
struct naf_file *naf_dir_find(const struct naf_dir *d, const char *name);
