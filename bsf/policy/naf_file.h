/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file naf_file.h
 *  One file of the policy directory, "IDENTITY.naf", as it was when it was looked at. Immutable but for its holders. */
#pragma once

#include <sys/stat.h>
#include "bsf/policy/naf_text.h"

#define NAF_FILE_SUFFIX ".naf"

enum naf_file_state {
	NAF_FILE_GOOD,
	NAF_FILE_BAD, /* cannot be used, so all its NAF asks is refused; text is what it last said well, if it ever did */
	NAF_FILE_GONE,    /* was one of the two before; of what it said only the identity is left */
	NAF_FILE_IGNORED, /* not read, and as if it were not there */
};

/*! What is compared to know whether it is another file, or another content. */
struct naf_stamp {
	struct timespec mtime, ctime;
	off_t size;
	ino_t inode;
	dev_t device;
};

struct naf_file {
	char *name; /* in the directory */
	enum naf_file_state state;
	char *why; /* not good, in words; NULL: it is */
	struct naf_stamp stamp;
	bool fresh; /* changed so shortly before it was looked at that the next change may show the same times */
	struct naf_policy naf;    /* its identity always, but of one that is ignored */
	struct policy_peer *peer; /* its own connection; NULL: via */
};

/*! \returns f */
struct naf_file *naf_file_hold(struct naf_file *f);
/*! The last one frees. f may be NULL. Any thread */
void naf_file_drop(struct naf_file *f);

/*! Look at it, and read it if it is not what it was.
 *  \param[in] dir   the open folder \param[in] owner  of the folder: its files count as well as ours and root's
 *  \param[in] former what it was the last time; NULL: it was not there
 *  \param[out] read  it has been read
 *  \returns held: former, or another one; NULL and *rc 0: it is not there, and was not; NULL and *rc -ENOMEM, -EMFILE, -ENFILE: it cannot
 *           be known now */
struct naf_file *naf_file_look(int dir, uid_t owner, const char *name, struct naf_file *former, bool *read, int *rc);
