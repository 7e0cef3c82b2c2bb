/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/guss.h"

#include <errno.h>
#include <stdio.h>
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

void ub_guss_take(struct ub_run *run, struct guss_blob *kept)
{
	if (guss_facts_kept(&run->guss_facts, &run->guss_when, guss_blob_span(kept)))
		run->guss_kept = guss_blob_get(kept);
}

void ub_guss_forget(struct ub_run *run)
{
	guss_blob_put(run->guss_kept);
	run->guss_kept = NULL;
}

void ub_guss_tell_clamped(const struct gba_challenge *c, int64_t guss_s)
{
	struct log_line l;
	char asked[24];

	counter_inc(CAUSE_zh_guss_lifetime);
	if (!log_rate_ok(DZH) || !log_line_begin(&l, DZH, LOGL_NOTICE, CAUSE_zh_guss_lifetime))
		return;
	snprintf(asked, sizeof(asked), "%lld", (long long)guss_s);
	log_line_run(&l, c->key);
	log_line_impi(&l, c->impi.s);
	log_line_str(&l, "asked_s", asked);
	log_line_num(&l, "given_s", (uint64_t)c->key_life_s);
	log_line_end(&l);
}

/* The same of what is in it. */
static void tell_odd(const struct ub_run *run, const struct zh_result *z, enum cause cause, const char *what,
		     unsigned n)
{
	struct log_line l;

	counter_inc(cause);
	if (!log_rate_ok(DZH) || !log_line_begin(&l, DZH, LOGL_NOTICE, cause))
		return;
	log_line_run(&l, z->vector.aka.rand);
	log_line_impi(&l, run->impi.s);
	if (n > 1)
		log_line_num(&l, "uss", n);
	log_line_str(&l, "what", what);
	log_line_end(&l);
}

enum cause ub_guss_weigh(struct ub_run *run, const struct zh_result *z, struct guss_memo *memo, enum guss_bad_uss rule,
			 struct guss_facts *facts, struct guss_blob **guss)
{
	struct guss_told told;
	int rc;

	if (run->guss_kept)
		run->guss_said = z->guss_equal ? "equal" : "sent";
	if (z->guss_equal && run->guss_kept) {
		counter_inc(CAUSE_zh_guss_equal);
		*facts = run->guss_facts;
		*guss = guss_blob_get(run->guss_kept);
		return CAUSE_ub_challenged;
	}
	rc = guss_memo_read(memo, facts, guss, &told, guss_blob_span(z->guss), rule);
	if (rc < 0)
		return rc == -ENOMEM ? CAUSE_ub_busy : CAUSE_zh_guss_bad;
	if (told.left_out)
		tell_odd(run, z, CAUSE_zh_guss_uss_left_out, told.why.text, told.left_out);
	if (told.odd.text[0])
		tell_odd(run, z, CAUSE_zh_guss_odd, told.odd.text, 0);
	return CAUSE_ub_challenged;
}
