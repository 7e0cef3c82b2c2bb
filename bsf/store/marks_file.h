/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file marks_file.h
 *  Marks in a file of this process, DIR/marks, a sealed_log.h. */
#pragma once

#include "bsf/store/marks.h"

struct marks_file;

/*! Read what is there, add what is not over to the set, and begin the file anew with that, sealed by the first KEK. A record that is not
 *  whole at the end was never said to be durable and goes.
 *  \param[in] set empty
 *  \param[in] dir only its owner may write there; made if its last name is not there
 *  \param[in] seal lent
 *  \returns NULL and a reason in err: it was altered, another process has it, it cannot be written */
struct marks_file *marks_file_open(const char *dir, struct seal *seal, struct marks *set, int64_t now_ms,
				   struct err *err);
void marks_file_free(struct marks_file *f); /* NULL: nothing */

/*! It is written by the next marks_file_sync(). \param[in] mark is in the set, too */
void marks_file_add(struct marks_file *f, const struct mark *mark);
/*! The file is begun anew where one could not be added to it.
 *  \returns 0: all that were added are durable; -errno: they are not yet, call it again */
int marks_file_sync(struct marks_file *f);
