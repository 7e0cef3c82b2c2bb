/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file marks_file.h
 *  Marks in a file of this process, DIR/marks, a sealed_log.h. */
#pragma once

#include "bsf/store/marks.h"

struct marks_file;

/*! Read what is there, and add what is not over to the set, as sealed_log_open(). When more is over than counts the file is begun anew.
 *  \param[in] set empty
 *  \param[in] dir only its owner may write there; made if its last name is not there
 *  \param[in] seal lent
 *  \returns NULL and a reason in err: it was altered, another process has it, it cannot be written */
struct marks_file *marks_file_open(const char *dir, struct seal *seal, struct marks *set, int64_t now_ms,
				   struct err *err);
/*! Could it be opened? \returns 0, also where there is none; -errno and a reason */
int marks_file_check(const char *dir, struct seal *seal, struct err *err);
void marks_file_free(struct marks_file *f); /* NULL: nothing */

/*! It is written by the next marks_file_sync(). \param[in] mark is in the set, too */
void marks_file_add(struct marks_file *f, const struct mark *mark);
/*! The file is begun anew where one could not be added to it.
 *  \returns 0: all that were added are durable; -errno: they are not yet, call it again */
int marks_file_sync(struct marks_file *f);
