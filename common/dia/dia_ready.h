/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_ready.h
 *  Who on a loop is called next. Who has just come is called before those who had their share and have more, so a quiet one
 *  waits for no more than a share of one who floods; but one of those comes after each eight others. Needs no memory. */
#pragma once

#include "common/dia/dia_loop.h"

enum dia_ready_list {
	DIA_READY_NOW,   /* who has just come */
	DIA_READY_REST,  /* who had its share and has more */
	DIA_READY_LATER, /* who waits for the next turn */
	DIA_READY_LISTS,
};

struct dia_ready {
	struct dia_fd list[DIA_READY_LISTS]; /* heads; where they point to themselves there is nobody */
	unsigned fresh;                      /* called, since one of the rest was */
};

void dia_ready_init(struct dia_ready *r);
/*! At the end of that list; nothing, if it is in one already. */
void dia_ready_add(struct dia_ready *r, enum dia_ready_list list, struct dia_fd *f);
/*! Out of the list it is in, if any. */
void dia_ready_del(struct dia_fd *f);
/*! \returns true: somebody is in one of the lists */
bool dia_ready_any(const struct dia_ready *r);
/*! A turn begins: who waited for it has just come. */
void dia_ready_turn(struct dia_ready *r);
/*! \returns who is to be called, still in its list; NULL: nobody in this turn */
struct dia_fd *dia_ready_next(struct dia_ready *r);
