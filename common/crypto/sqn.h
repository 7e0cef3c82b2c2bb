/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file sqn.h
 *  Sequence numbers, TS 33.102 annex C: SQN (48 bit) = SEQ (43) || IND (5). Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SQN_IND_BITS 5
#define SQN_IND_MAX  31
#define SQN_SEQ_MAX  ((1ull << 43) - 1)
#define SQN_DELTA    (1ull << 28) /* C.3: largest accepted jump of SEQ */

static inline uint64_t sqn_make(uint64_t seq, unsigned ind)
{
	return seq << SQN_IND_BITS | (ind & SQN_IND_MAX);
}

static inline uint64_t sqn_seq(uint64_t sqn)
{
	return sqn >> SQN_IND_BITS;
}

static inline unsigned sqn_ind(uint64_t sqn)
{
	return sqn & SQN_IND_MAX;
}

/*! The card's array, C.2.2; all zero at first. */
struct sqn_card {
	uint64_t seq[SQN_IND_MAX + 1];
};

/*! \returns highest accepted SQN, what an AUTS carries */
uint64_t sqn_card_highest(const struct sqn_card *c);

/*! Accept or refuse; stores it when accepted.
 *  \returns 0; -ERANGE not fresh or jump over SQN_DELTA: synchronisation failure */
int sqn_card_accept(struct sqn_card *c, uint64_t sqn);

/*! The network's counter, C.3.2 profile 2: SEQ and IND grow by one per vector. */
struct sqn_home {
	uint64_t seq;  /* of the last vector given */
	int ind_fixed; /* 0..31 keeps IND there; -1 lets it run */
	unsigned ind;  /* of the last vector given */
};

/*! Next number. \returns 0; -ERANGE SEQ exhausted */
int sqn_home_next(struct sqn_home *h, uint64_t *sqn);

/*! 33.102 6.3.5 step 2: would a card whose highest number is sqn_ms accept the next SQN as it is? */
bool sqn_home_next_fits(const struct sqn_home *h, uint64_t sqn_ms);

/*! 33.102 6.3.5 step 4, only after a right MAC-S: continue from sqn_ms. The counter never goes back. */
void sqn_home_resync(struct sqn_home *h, uint64_t sqn_ms);
