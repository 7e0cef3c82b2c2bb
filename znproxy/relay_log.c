/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "znproxy/relay_log.h"

#include <strings.h>
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"
#include "znproxy/relay_octets.h"

/* What was handed on is everyday; what a NAF may not do, or a home does not answer, an operator has to look at. */
void relay_log(const struct relay_end *e)
{
	bool fine = e->cause == CAUSE_znproxy_ok;
	int level = fine ? LOGL_INFO : LOGL_NOTICE;
	uint8_t rand[BTID_RAND_LEN];
	struct log_line l;

	counter_inc(e->cause);
	if (!log_relay_enabled(DZN, level) || (!fine && !log_rate_ok(DZN)) || !log_line_begin(&l, DZN, level, e->cause))
		return;
	log_line_run(&l, e->btid.p && relay_octets_rand(rand, e->btid) ? rand : NULL);
	log_line_str(&l, "naf", e->naf);
	log_line_str(&l, "peer", e->peer);
	if (e->origin && strcasecmp(e->origin, e->peer) != 0)
		log_line_str(&l, "origin", e->origin);
	log_line_str(&l, "home", e->home);
	log_line_str(&l, "bsf", e->bsf);
	log_line_result(&l, e->result);
	log_line_end(&l);
}
