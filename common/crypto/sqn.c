/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/sqn.h"

#include <errno.h>

uint64_t sqn_card_highest(const struct sqn_card *c)
{
	uint64_t best = 0;

	for (unsigned i = 0; i <= SQN_IND_MAX; i++) {
		if (c->seq[i] > sqn_seq(best))
			best = sqn_make(c->seq[i], i);
	}
	return best;
}

int sqn_card_accept(struct sqn_card *c, uint64_t sqn)
{
	uint64_t seq = sqn_seq(sqn), highest = sqn_seq(sqn_card_highest(c));
	unsigned ind = sqn_ind(sqn);

	if (seq > highest && seq - highest > SQN_DELTA)
		return -ERANGE;
	if (seq <= c->seq[ind])
		return -ERANGE;
	c->seq[ind] = seq;
	return 0;
}

static unsigned next_ind(const struct sqn_home *h)
{
	return h->ind_fixed >= 0 ? (unsigned)h->ind_fixed : (h->ind + 1) & SQN_IND_MAX;
}

int sqn_home_next(struct sqn_home *h, uint64_t *sqn)
{
	if (h->seq >= SQN_SEQ_MAX)
		return -ERANGE;
	h->seq++;
	h->ind = next_ind(h);
	*sqn = sqn_make(h->seq, h->ind);
	return 0;
}

bool sqn_home_next_fits(const struct sqn_home *h, uint64_t sqn_ms)
{
	/* The card tells its highest number only; above that one every entry of its array is below. */
	uint64_t next = h->seq + 1, ms = sqn_seq(sqn_ms);

	return next > ms && next - ms <= SQN_DELTA;
}

void sqn_home_resync(struct sqn_home *h, uint64_t sqn_ms)
{
	if (sqn_seq(sqn_ms) > h->seq)
		h->seq = sqn_seq(sqn_ms);
}
