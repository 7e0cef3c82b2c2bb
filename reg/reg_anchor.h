/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_anchor.h
 *  The head of the audit, kept elsewhere: a chain whose end was cut off is a chain, too. Lines "TIME ROW HASH" in a file and in the
 *  log, at each start and end, each hour and when it is asked for. With a key a fourth word follows, base64 of a signature of the three
 *  before: then who can write the database and the file can cut both, but not write them anew. */
#pragma once

#include "reg/reg_audit.h"

/*! The key that signs: PEM, Ed25519 or EC P-256, which nobody else may read. Before reg_anchor_write(), and until
 *  reg_anchor_close(). \param[in] path NULL: there is none. \returns 0; -errno and why in err, then there is none */
int reg_anchor_open(const char *path, struct err *err);
void reg_anchor_close(void);

/*! Write the head to the end of a file, made if it is not there, and to the log. \param[in] file NULL: only the log
 *  \param[out] head what was written \returns 0; -errno and why in err */
int reg_anchor_write(struct reg_head *head, struct reg_db *db, const char *file, struct err *err);

/*! What reg_anchor_verify() has seen. */
struct reg_anchored {
	int64_t lines, is_signed; /* of them */
	int64_t row;              /* of the last line */
	char at[32];              /* its time, RFC 3339; "": there is none */
};

/*! Is every line's head in the chain, which reg_audit_verify() has looked at? Behind the first line that is signed all are.
 *  \param[in] key file of the public key in PEM; NULL: of our own, if there is one
 *  \returns 0; -EBADMSG which line, and what of it; -EIO, -EINVAL. err: why */
int reg_anchor_verify(struct reg_anchored *out, struct reg_db *db, const char *file, const char *key, struct err *err);
