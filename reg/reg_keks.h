/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_keks.h
 *  What the KEKs have sealed in the registry: the index key, what names a device, answers that are kept for who asks again; and all of it
 *  anew by the first one, in orders of the thread that writes. */
#pragma once

#include "common/rt/reseal.h"
#include "reg/reg_work.h"

/*! The key of the index, made once, sealed by the first KEK: another one leaves all hashes as they are. \returns 0; -EIO */
int reg_keks_index(struct reg_db *db);
/*! Are all KEKs here that are needed? \returns 0; -errno and a reason */
int reg_keks_check(struct reg_db *db, const char *path, struct err *err);
/*! The first one seals from now on. \returns 0; -EIO; -ENOSPC */
int reg_keks_note(struct reg_db *db);
/*! A step of a rotation, within a transaction. \returns as sql_keks_step() */
int reg_keks_step(struct reg_db *db, struct reseal_step *step);

/*! The rotation of kek_job.h: goes on with what was begun, also by a start with another first KEK. \param[in] writer, back lent until
 *  kek_job_end() \param[in] back inbox of the main thread */
void reg_keks_init(struct reg_work *writer, struct inbox *back);
