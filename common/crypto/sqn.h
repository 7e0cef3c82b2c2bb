/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file sqn.h
 *  Sequence numbers, TS 33.102 annex C: SQN (48 bit) = SEQ || IND. Pure: the time is an argument. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQN_IND_BITS     5 /* the length of IND that C.3 gives all profiles */
#define SQN_IND_BITS_MAX 8 /* the longest a card or subscriber may have here; 0: no IND */
#define SQN_IND_MAX      31
#define SQN_SEQ_MAX      ((1ull << 43) - 1)
#define SQN_DELTA        (1ull << 28) /* C.3: largest accepted jump of SEQ */

/* With an IND of the usual length. */

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

/*! Largest SEQ beside an IND of so many bits. */
static inline uint64_t sqn_seq_max(unsigned ind_bits)
{
	return (1ull << (48 - ind_bits)) - 1;
}

/* --- the card */

/*! What a card accepts, C.2. */
struct sqn_limits {
	uint64_t delta;   /* largest accepted jump of SEQ, C.2.1; 0: the usual limits of C.3, whatever the others say */
	uint64_t age;     /* L of C.2.2: SEQ must be less than that far behind the highest; 0: no limit */
	uint8_t ind_bits; /* 0..SQN_IND_BITS_MAX */
};

/*! The card's array, C.2.2; all zero at first. */
struct sqn_card {
	uint64_t seq[1 << SQN_IND_BITS_MAX]; /* by IND; the usual limits use the first 32 */
	struct sqn_limits limits;
};

/*! \returns highest accepted SQN, what an AUTS carries */
uint64_t sqn_card_highest(const struct sqn_card *c);

/*! Accept or refuse; stores it when accepted.
 *  \returns 0; -ERANGE not fresh, too old or a jump over delta: synchronisation failure */
int sqn_card_accept(struct sqn_card *c, uint64_t sqn);

/* --- the network */

/*! How SEQ grows, C.1.1 and C.3. */
enum sqn_profile {
	SQN_COUNTER,   /* C.1.1.2, profile 2: by one per vector; also what is zeroed */
	SQN_PART_TIME, /* C.1.1.1, profile 1: its low 24 bits follow a clock of 1 s, D = 65536 */
	SQN_TIME,      /* C.1.1.3, profile 3: clock of 0.1 s plus a difference of the subscriber's own */
	SQN_PROFILES,
};

/*! What is fixed for a subscriber. */
struct sqn_scheme {
	enum sqn_profile profile;
	uint8_t ind_bits;         /* 0..SQN_IND_BITS_MAX; no longer than the card's (C.4) */
	uint8_t ind_from, ind_to; /* IND runs through these, one per vector (C.1.2); equal: stays there */
	int64_t dif;              /* SQN_TIME: SEQ less the clock */
};

/*! The usual one: counter, five bits, 0 to 31. */
#define SQN_SCHEME_USUAL ((struct sqn_scheme){ .ind_bits = SQN_IND_BITS, .ind_to = SQN_IND_MAX })

struct sqn_home {
	struct sqn_scheme scheme;
	uint64_t seq; /* of the last vector given */
	unsigned ind; /* of the last vector given */
};

/*! "counter", "part-time", "time" as files and the VTY have them. \returns static */
const char *sqn_profile_name(enum sqn_profile p);

/*! \returns 0; -ENOENT (p untouched) */
int sqn_profile_find(enum sqn_profile *p, const char *name, size_t len);

/*! Continue behind seq. The difference of SQN_TIME grows if the clock with it would be behind seq. */
void sqn_home_init(struct sqn_home *h, const struct sqn_scheme *s, uint64_t seq, uint64_t now_ms);

/*! DIF of a subscriber of SQN_TIME who begins with seq at this time. */
int64_t sqn_home_dif(uint64_t seq, uint64_t now_ms);

/*! The SEQ that sqn_home_next() would give; above sqn_seq_max(): exhausted.
 *  \param[in] now_ms wall clock, milliseconds since 1970; not looked at by SQN_COUNTER */
uint64_t sqn_home_peek(const struct sqn_home *h, uint64_t now_ms);

/*! Next number: always above all that were given, whatever the clock does. \returns 0; -ERANGE SEQ exhausted */
int sqn_home_next(struct sqn_home *h, uint64_t now_ms, uint64_t *sqn);

/*! 33.102 6.3.5 step 2: would a card whose highest number is sqn_ms accept the next SQN as it is? */
bool sqn_home_next_fits(const struct sqn_home *h, uint64_t now_ms, uint64_t sqn_ms);

/*! 33.102 6.3.5 step 4, only after a right MAC-S: continue from sqn_ms. The counter never goes back. */
void sqn_home_resync(struct sqn_home *h, uint64_t now_ms, uint64_t sqn_ms);
