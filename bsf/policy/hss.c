/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/policy/hss.h"

#include <stdlib.h>
#include <string.h>
#include "common/base/ascii.h"

#define TRIAL_MS      30000 /* a silent one costs one device its time-out so often */
#define BUSY_FIRST_MS 1000
#define BUSY_MAX_MS   30000

struct hss_state *hss_state_new(void)
{
	struct hss_state *s = calloc(1, sizeof(*s));

	if (s)
		atomic_init(&s->holders, 1);
	return s;
}

void hss_state_put(struct hss_state *s)
{
	if (s && atomic_fetch_sub(&s->holders, 1) == 1)
		free(s);
}

uint32_t hss_id(const char *identity)
{
	uint32_t id = (uint32_t)ascii_hash(identity);

	return id ? id : 1;
}

static const char *keep(char **at, const char *s)
{
	size_t len = strlen(s) + 1;
	char *to = memcpy(*at, s, len);

	*at += len;
	return to;
}

struct hss *hss_new(const struct hss *in)
{
	struct hss *h = malloc(sizeof(*h) + strlen(in->identity) + strlen(in->realm) + strlen(in->via) + 3);
	char *at = (char *)(h + 1);

	if (!h)
		return NULL;
	*h = (struct hss){ .relayed = in->relayed,
			   .destination_host = in->destination_host,
			   .timeout_ms = in->timeout_ms,
			   .priority = in->priority,
			   .load = in->load,
			   .state = in->state };
	h->identity = keep(&at, in->identity);
	h->realm = keep(&at, in->realm);
	h->via = keep(&at, in->via);
	h->id = hss_id(h->identity);
	atomic_init(&h->holders, 1);
	atomic_fetch_add(&h->state->holders, 1);
	return h;
}

struct hss *hss_get(struct hss *h)
{
	atomic_fetch_add(&h->holders, 1);
	return h;
}

void hss_put(struct hss *h)
{
	if (!h || atomic_fetch_sub(&h->holders, 1) > 1)
		return;
	hss_state_put(h->state);
	free(h);
}

static void forget(struct hss_state *s)
{
	atomic_store(&s->silent, 0);
	atomic_store(&s->busy_until_ms, 0);
	atomic_store(&s->busy_ms, 0);
}

void hss_state_ready(struct hss_state *s, bool open)
{
	if (open && !atomic_load(&s->open))
		forget(s);
	atomic_store(&s->open, open);
}

/* Of many that were under way when it became too busy all are answered so: that is one time, not many. */
static void spare(struct hss_state *s, uint64_t now_ms)
{
	uint32_t ms = atomic_load(&s->busy_ms);

	atomic_fetch_add(&s->too_busy, 1);
	if (now_ms < atomic_load(&s->busy_until_ms))
		return;
	ms = ms ? 2 * ms : BUSY_FIRST_MS;
	ms = ms < BUSY_MAX_MS ? ms : BUSY_MAX_MS;
	atomic_store(&s->busy_ms, ms);
	atomic_store(&s->busy_until_ms, now_ms + ms);
}

void hss_state_answered(struct hss_state *s, bool too_busy, uint64_t now_ms)
{
	atomic_fetch_add(&s->answered, 1);
	atomic_store(&s->silent, 0);
	if (too_busy)
		spare(s, now_ms);
	else if (atomic_load(&s->busy_ms) && now_ms >= atomic_load(&s->busy_until_ms))
		atomic_store(&s->busy_ms, 0);
}

void hss_state_timed_out(struct hss_state *s, uint64_t now_ms)
{
	atomic_fetch_add(&s->timed_out, 1);
	if (atomic_fetch_add(&s->silent, 1) + 1 == HSS_SILENT)
		atomic_store(&s->trial_ms, now_ms + TRIAL_MS);
}

bool hss_state_try(struct hss_state *s, uint64_t now_ms)
{
	uint64_t due = atomic_load(&s->trial_ms);

	return atomic_load(&s->silent) >= HSS_SILENT && now_ms >= due &&
	       atomic_compare_exchange_strong(&s->trial_ms, &due, now_ms + TRIAL_MS);
}
