/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_collector.h
 *  The thread that asks the BSFs, every now and then, who used which token, and has it kept. */
#pragma once

#include "reg/reg_work.h"

struct reg_collector;

/*! \param[in] db of its own, taken, also on error \returns NULL and a reason in err */
struct reg_collector *reg_collector_start(struct reg_db *db, struct reg_work *writer, struct err *err);
/*! Before the writer stops: up to 5 s. c may be NULL. */
void reg_collector_stop(struct reg_collector *c);
