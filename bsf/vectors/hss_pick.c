/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/hss_pick.h"

/* Can it be asked without being named? */
static bool is_choice(const struct hss_seen *h)
{
	return h->open && !h->tried && h->load;
}

/* Lower is asked first. One that is tried again goes before its equals, else its turn would never come. */
static uint64_t rank_of(const struct hss_seen *h)
{
	uint64_t class = h->trial ? 0 : h->silent ? 2 : h->busy;

	return class << 40 | (uint64_t)h->priority << 1 | !h->trial;
}

static bool best_rank(const struct hss_seen *h, size_t n, uint64_t *best)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (!is_choice(&h[i]) || (any && rank_of(&h[i]) >= *best))
			continue;
		*best = rank_of(&h[i]);
		any = true;
	}
	return any;
}

/* Of those of one rank, by their shares. */
static int draw_one(const struct hss_seen *h, size_t n, uint64_t rank, uint32_t draw)
{
	uint64_t sum = 0, at;
	int last = -1;

	for (size_t i = 0; i < n; i++)
		if (is_choice(&h[i]) && rank_of(&h[i]) == rank)
			sum += h[i].load;
	at = draw % sum;
	for (size_t i = 0; i < n; i++) {
		if (!is_choice(&h[i]) || rank_of(&h[i]) != rank)
			continue;
		last = (int)i;
		if (at < h[i].load)
			break;
		at -= h[i].load;
	}
	return last;
}

int hss_pick(const struct hss_seen *h, size_t n, const struct hss_question *q)
{
	static const bool goes_on[HSS_SO_FARS] = {
		[HSS_NOT_ASKED] = true, [HSS_UNSENT] = true,     [HSS_LOST] = true,
		[HSS_TIMED_OUT] = true, [HSS_REDIRECTED] = true,
	};
	uint64_t rank = 0;

	if (!goes_on[q->so_far] || !q->left_ms)
		return -1;
	if (q->wanted >= 0 && h[q->wanted].open && !h[q->wanted].tried)
		return q->wanted;
	if (q->wanted_only || !best_rank(h, n, &rank))
		return -1;
	return draw_one(h, n, rank, q->draw);
}
