/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/cost.h"

#include "common/base/clock.h"

#define MARK_S   600 /* how long a resynchronisation is remembered if resyncs-impi is off */
#define PROVEN_S 86400
#define SHARE    3 /* times what is free */

void ub_cost_begin(struct ub_cost *c, struct overload *overload, const struct limits *limits, const void *from)
{
	c->overload = overload;
	c->limits = limits;
	c->source_private = overload_source_private(from);
	c->source_len = overload_source_key(c->source, from);
}

bool ub_cost_place(struct ub_cost *c, const void *shard, size_t n_free)
{
	uint8_t key[sizeof(c->source) + sizeof(shard)];
	struct writer w;

	writer_init(&w, key, sizeof(key));
	writer_put(&w, c->source, c->source_len);
	writer_put(&w, &shard, sizeof(shard));
	c->placed = overload_enter(c->overload, span_of(key, w.len), (uint32_t)(SHARE * n_free), &c->place);
	return c->placed;
}

bool ub_cost_source(struct ub_cost *c)
{
	struct bucket_rate rate = limits_bucket(c->limits, BUCKET_CHALLENGES_SOURCE);

	if (c->source_private && !atomic_load(&c->limits->source_all))
		return true;
	return overload_take(c->overload, RATE_CHALLENGES_SOURCE, span_of(c->source, c->source_len), rate.n, rate.per_s,
			     clock_mono_ms());
}

static struct span impi_of(const struct ub_cost *c)
{
	return span_str(c->impi.s);
}

static struct span pair_of(const struct ub_cost *c)
{
	return span_of(c->pair, c->pair_len);
}

void ub_cost_who(struct ub_cost *c, const char *impi, const uint8_t *tmpi)
{
	struct writer w;

	impi_key(&c->impi, impi);
	writer_init(&w, c->pair, sizeof(c->pair));
	writer_put(&w, c->source, c->source_len);
	writer_str(&w, c->impi.s);
	c->pair_len = w.len;
	c->by_tmpi = tmpi != NULL;
	if (tmpi)
		memcpy(c->tmpi, tmpi, TMPI_LEN);
}

struct purse {
	enum overload_rate rate;
	struct span key;
	struct bucket_rate size;
};

/* The narrow one first. \returns how many */
static size_t purses_of(const struct ub_cost *c, struct purse p[2])
{
	struct bucket_rate all = limits_bucket(c->limits, BUCKET_CHALLENGES_IMPI),
			   share = { all.n - all.n / 2, all.per_s };

	if (c->own) {
		p[0] = (struct purse){ RATE_CHALLENGES_OWN, c->by_tmpi ? span_of(c->tmpi, TMPI_LEN) : pair_of(c), all };
		return 1;
	}
	p[0] = (struct purse){ RATE_CHALLENGES_SHARE, pair_of(c), share };
	p[1] = (struct purse){ RATE_CHALLENGES_IMPI, impi_of(c), all };
	return 2;
}

static void give(const struct ub_cost *c, const struct purse *p)
{
	overload_give(c->overload, p->rate, p->key, p->size.n, p->size.per_s, clock_mono_ms());
}

static bool pay(struct ub_cost *c)
{
	uint64_t now = clock_mono_ms();
	struct purse p[2];
	size_t n;

	c->own = c->by_tmpi || overload_marked(c->overload, MARK_PROVEN, pair_of(c), now);
	n = purses_of(c, p);
	for (size_t i = 0; i < n; i++) {
		if (overload_take(c->overload, p[i].rate, p[i].key, p[i].size.n, p[i].size.per_s, now))
			continue;
		while (i--)
			give(c, &p[i]);
		return false;
	}
	c->paid = true;
	return true;
}

static bool enter(struct ub_cost *c)
{
	c->entered = overload_enter(c->overload, impi_of(c), limits_number(c->limits, LIM_IN_FLIGHT_IMPI), &c->ticket);
	return c->entered;
}

enum cause ub_cost_challenge(struct ub_cost *c)
{
	if (!enter(c))
		return CAUSE_ub_busy;
	return pay(c) ? CAUSE_ub_ok : CAUSE_ub_limit_impi;
}

void ub_cost_unasked(struct ub_cost *c)
{
	struct purse p[2];

	for (size_t n = c->paid ? purses_of(c, p) : 0; n--;)
		give(c, &p[n]);
	c->paid = false;
}

struct span ub_cost_purse(const struct ub_cost *c, struct bucket_rate *rate)
{
	struct purse p[2];
	size_t n;

	if (!c->paid)
		return span_of(NULL, 0);
	n = purses_of(c, p);
	*rate = p[n - 1].size;
	return p[n - 1].key;
}

void ub_cost_spent(struct ub_cost *c)
{
	struct purse p[2], *all = &p[purses_of(c, p) - 1];
	uint64_t now = clock_mono_ms();

	for (uint32_t i = 0; i < all->size.n; i++)
		overload_take(c->overload, all->rate, all->key, all->size.n, all->size.per_s, now);
}

enum cause ub_cost_resync(struct ub_cost *c)
{
	struct bucket_rate rate = limits_bucket(c->limits, BUCKET_RESYNCS_IMPI);

	if (!enter(c))
		return CAUSE_ub_busy;
	return overload_has(c->overload, RATE_RESYNCS_IMPI, impi_of(c), rate.n, rate.per_s, clock_mono_ms())
		       ? CAUSE_ub_ok
		       : CAUSE_ub_limit_resync;
}

bool ub_cost_resynced_before(const struct ub_cost *c)
{
	return overload_marked(c->overload, MARK_RESYNCED, impi_of(c), clock_mono_ms());
}

void ub_cost_resynced(struct ub_cost *c)
{
	struct bucket_rate rate = limits_bucket(c->limits, BUCKET_RESYNCS_IMPI);
	uint64_t now = clock_mono_ms();

	/* two at a time may find the last token; both are honest, and the second one is beyond the limit by one */
	overload_take(c->overload, RATE_RESYNCS_IMPI, impi_of(c), rate.n, rate.per_s, now);
	overload_mark(c->overload, MARK_RESYNCED, impi_of(c), rate.n ? rate.per_s : MARK_S, now);
}

void ub_cost_proven(struct ub_cost *c)
{
	overload_unmark(c->overload, MARK_RESYNCED, impi_of(c));
	overload_mark(c->overload, MARK_PROVEN, pair_of(c), PROVEN_S, clock_mono_ms());
}

void ub_cost_end(struct ub_cost *c)
{
	if (c->entered)
		overload_leave(c->overload, c->ticket);
	if (c->placed)
		overload_leave(c->overload, c->place);
	c->entered = c->placed = false;
}
