/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/trace.h"

#include "common/base/clock.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

#define TEXT_MAX 256 /* octets shown of what a device sent */

static bool trace_open(struct log_line *l, const struct ub_run *run)
{
	if (!run->traced || !log_line_open(l, DUB, LOGL_NOTICE, "trace"))
		return false;
	log_line_run(l, run->has_rand ? run->rand : NULL);
	log_line_impi(l, run->impi.s);
	log_line_num(l, "ms", clock_mono_ms() - run->begun_ms);
	return true;
}

static void trace_span(struct log_line *l, const char *key, struct span s)
{
	char text[TEXT_MAX + 1];

	if (s.len > TEXT_MAX)
		s.len = TEXT_MAX;
	if (span_to_str(text, sizeof(text), s) == 0)
		log_line_str(l, key, text);
}

void ub_trace_request(const struct ub_run *run)
{
	const struct ub_wish *w = &run->wish;
	struct log_line l;

	if (!trace_open(&l, run))
		return;
	log_line_from(&l, &run->from);
	log_line_str(&l, "wants", w->want == UB_ANSWER ? "answer" : "challenge");
	log_line_str(&l, "user", w->is_tmpi ? "tmpi" : "impi");
	if (w->want == UB_ANSWER)
		log_line_str(&l, "sends", w->has_auts ? "auts" : w->auth.response.len ? "response" : "mac-failure");
	trace_span(&l, "agent", run->request.user_agent);
	trace_span(&l, "host", run->request.host);
	trace_span(&l, "realm", w->auth.realm);
	trace_span(&l, "target", run->request.target);
	log_line_end(&l);
}

void ub_trace_step(const struct ub_run *run, const char *name)
{
	struct log_line l;

	if (!trace_open(&l, run))
		return;
	log_line_str(&l, "step", name);
	log_line_end(&l);
}

void ub_trace_hss(const struct ub_run *run)
{
	struct log_line l;

	if (!trace_open(&l, run))
		return;
	log_line_str(&l, "hss", run->said.origin);
	log_line_result(&l, &run->hss_result);
	log_line_str(&l, "error", run->said.error);
	log_line_end(&l);
}

void ub_trace_end(const struct ub_run *run)
{
	struct log_line l;

	if (!trace_open(&l, run))
		return;
	log_line_str(&l, "cause", cause_name(run->answer.cause));
	log_line_num(&l, "status", run->answer.status);
	log_line_str(&l, "variant", gba_variant_name(run->challenge.variant));
	log_line_str(&l, "guss", run->guss_said);
	log_line_end(&l);
}
