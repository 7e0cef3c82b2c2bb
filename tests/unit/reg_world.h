/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_world.h
 *  A registry for a test: a database of its own, two targets that nobody serves, and orders as callers give them, each a savepoint as
 *  reg_work.c makes them. */
#pragma once

#include <check.h>
#include "reg/reg_orders.h"

extern struct reg_db *world;

/*! The configuration alone. */
void reg_world_realm(void);

/*! Fixture. */
void reg_world_begin(void);
void reg_world_end(void);

typedef int reg_work_fn(struct reg_order *o, struct reg_db *db);

extern const struct reg_caller reg_operator, reg_anyone;
struct reg_caller reg_asp(const char *name); /* one that is there */
struct reg_caller reg_user(const char *name);

/*! Give an order. \param[in] in JSON, with the conversions of printf() \returns for reg_order_free() */
struct reg_order *reg_give(struct reg_caller c, reg_work_fn *work, int64_t if_match, const char *in, ...)
	__attribute__((format(printf, 4, 5)));

/*! The same where it must be done. \returns a text of its answer, "" it has none; lent until the next call but seven */
#define MUST(caller, work, member, ...) reg_must(caller, work, member, __VA_ARGS__)
const char *reg_must(struct reg_caller c, reg_work_fn *work, const char *member, const char *in, ...)
	__attribute__((format(printf, 4, 5)));

/*! And where it must be refused, and change nothing. \param[in] said what is in the reason \returns the word */
enum ctl_word reg_refused(struct reg_caller c, reg_work_fn *work, const char *said, const char *in, ...)
	__attribute__((format(printf, 4, 5)));

/*! First column of the first row; it must be there. */
int64_t reg_number(const char *sql);
