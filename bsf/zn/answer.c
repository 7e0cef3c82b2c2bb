/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file answer.c
 *  The end of every BIR. */
#include "bsf/zn/answer.h"

#include <errno.h>
#include "bsf/store/backend.h"
#include "bsf/zn/decide.h"
#include "common/gba/run_id.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"

/* Everyday ends are INFO; what a NAF may not do or does wrong is NOTICE, since only the operator can mend it. */
static int level_of(enum cause cause)
{
	if (cause == CAUSE_zn_ok || cause == CAUSE_zn_btid_unknown)
		return LOGL_INFO;
	return cause == CAUSE_store_failed ? LOGL_ERROR : LOGL_NOTICE;
}

/* Not rate-limited where the cause is ours: an operator looks for each of these. */
static bool line_wanted(enum cause cause)
{
	if (!log_relay_enabled(DZN, level_of(cause)))
		return false;
	return cause == CAUSE_zn_ok || cause == CAUSE_store_failed || log_rate_ok(DZN);
}

static void count_and_log(const char *peer, const struct zn_bir *bir, enum cause cause)
{
	const char *naf = bir ? bir->naf_id.fqdn : "-";
	char run[RUN_ID_LEN + 1] = "-";

	counter_inc(cause);
	if (!line_wanted(cause))
		return;
	if (bir && bir->btid_ok)
		run_id(run, bir->btid.rand);
	LOGT(DZN, level_of(cause), "%s run %s naf %s peer %s\n", cause_name(cause), run, naf, peer);
}

void zn_answer(struct zn_bia *out, const struct zn_bir *bir, int store_rc, const struct gba_session *s)
{
	struct zn_ask ask = {
		.bir = bir,
		.naf = policy_naf(policy_current(), bir->peer),
		.store_rc = store_rc,
		.session = s,
		.now_s = store_wall_s(),
	};

	count_and_log(bir->peer, bir, zn_decide(out, &ask));
}

void zn_answer_refuse(struct zn_bia *out, const char *peer, const struct zn_bir *bir, enum cause cause,
		      const struct result *r)
{
	*out = (struct zn_bia){ .result = *r };
	count_and_log(peer, bir, cause);
}
