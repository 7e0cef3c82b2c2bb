/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_sender.h
 *  A thread for each target, which tells it what the outbox holds for it: in order, at least once, again and again while it is away
 *  (0.1 s to 1 s apart). What a target does not take is kept as refused, and does not keep the next waiting. */
#pragma once

#include "reg/reg_cfg.h"
#include "reg/reg_work.h"

struct reg_sender;

/*! As many as there are targets. NULL: not begun yet, and looks by itself when it does */
extern _Atomic(struct reg_sender *) reg_senders[REG_TARGETS_MAX];

/*! \param[in] t kept. \param[in] db of its own, taken, also on error. \param[in] writer takes out what was told
 *  \returns NULL and a reason in err */
struct reg_sender *reg_sender_start(const struct reg_target *t, struct reg_db *db, struct reg_work *writer,
				    struct err *err);

/*! There may be something. Any thread. */
void reg_sender_wake(struct reg_sender *s);

/*! What it was told last that did not work, and what it has done since the start; nothing of NULL. */
void reg_sender_state(struct reg_sender *s, json_t *into);

/*! Before the writer stops. What is in work ends first: up to 5 s. s may be NULL. */
void reg_sender_stop(struct reg_sender *s);
/*! When nobody wakes it or asks how it is any more. s may be NULL. */
void reg_sender_free(struct reg_sender *s);
