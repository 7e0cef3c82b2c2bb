/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_rows.h
 *  Rows as they are answered, and their revisions. A column's name says what becomes of it:
 *
 *      name   text or number as it is, nothing of NULL
 *      name?  true or false
 *      name*  a list of the words of a text
 *      _key   of a list: what the next page begins behind; not shown
 *      _rev   the revision; not shown */
#pragma once

#include "reg/reg_call.h"

#define REG_NAME     32 /* hex digits of what has a random name: devices, users, pseudonyms */
#define REG_PAGE     100
#define REG_PAGE_MAX 1000

/*! \returns 0; -EIO no random numbers */
int reg_name_make(char out[REG_NAME + 1]);

/*! \returns a revision later than any there was; -EIO; -ENOSPC */
int64_t reg_revision(struct reg_db *db);

/*! May it be changed, as far as if_match says? \param[in] rev that it has; 0: it is not there \returns 0; -ESTALE: refused */
int reg_match(struct reg_order *o, int64_t rev);

/*! Answer a row, with its revision. \param[in] q at the row, taken \returns 0; -ENOMEM */
int reg_answer_row(struct reg_order *o, sqlite3_stmt *q);

/*! Answer a page: {NAME: [...], "next": ...}, by members `after` and `limit` of o.
 *  \param[in] text a statement whose ?1 is the text it begins behind, ?2 how many rows at most; with a column _key it is in the order of
 *  \param[in] id   its ?3; 0: there is none, or it is nobody's and stays NULL
 *  \returns 0; -EINVAL: refused; -EIO; -ENOMEM */
int reg_answer_page(struct reg_order *o, struct reg_db *db, const char *name, const char *text, int64_t id);

/*! A number among the members. \returns otherwise: it is not there; -1: a text that is none */
int64_t reg_in_int(const struct reg_order *o, const char *name, int64_t otherwise);
