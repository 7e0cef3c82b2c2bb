/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_prover.h
 *  The thread that asks DNS for the proofs that are due, one after the other: whoever waits longest first, so that one who asks for it
 *  again and again is behind those whose day it is. */
#pragma once

#include "reg/reg_work.h"

struct reg_prover;

/*! \param[in] db of its own, taken, also on error \returns NULL and a reason in err */
struct reg_prover *reg_prover_start(struct reg_db *db, struct reg_work *writer, struct err *err);
/*! One may be due. Any thread. p may be NULL, here and below. */
void reg_prover_wake(struct reg_prover *p);
/*! Before the writer stops: what is in work ends first, up to 10 s. */
void reg_prover_stop(struct reg_prover *p);
/*! When nobody wakes it any more. */
void reg_prover_free(struct reg_prover *p);
