/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file dia_select.h
 *  The Diameter node's loop as a guest of a thread's osmo_select loop, and what the node tells as log lines and counters. */
#pragma once

#include "common/dia/dia_hub.h"
#include "common/gba/cause.h"

#define DIA_SELECT_BUDGET 64 /* messages in a turn; then others on this thread come first */

struct dia_select;

/*! Call on the thread, after osmo_select_init(). \returns new object owned by ctx, l is lent; NULL: no memory */
struct dia_select *dia_select_new(void *ctx, struct dia_loop *l);

/*! A turn of the loop now. Needed by threads whose loop gathers (dia_loop_gather()) before they wait; others need not call it.
 *  Never within a turn. */
void dia_select_turn(struct dia_select *d);

/*! For dia_hub_callbacks.event. */
void dia_select_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail);

/*! Count, and say so at NOTICE but for a flood. Any thread. \param[in] cat of the log */
void dia_select_refused(int cat, enum cause cause, const char *peer, const char *detail);

/*! End the hub with DPR and free it; nothing else of this thread runs meanwhile. At most 6 s. h may be NULL. */
void dia_select_stop(struct dia_loop *l, struct dia_hub *h);
