/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "znproxy/relay_decide.h"

#include <stddef.h>

/* Who asks comes before what about: a stranger learns nothing of our homes. The first that does not hold is the answer. */
static const struct {
	size_t holds; /* place of the fact */
	bool wanted;
	enum cause cause;
	uint32_t code;
} checks[] = {
#define FACT(name) offsetof(struct relay_facts, name)
	{ FACT(own_origin), true, CAUSE_znproxy_origin, RESULT_X_NOT_AUTHORIZED },
	{ FACT(speaks_for), true, CAUSE_znproxy_naf_id, RESULT_X_NOT_AUTHORIZED },
	{ FACT(ua_id), true, CAUSE_znproxy_naf_id, RESULT_X_NOT_AUTHORIZED },
	{ FACT(gsids), true, CAUSE_znproxy_gsid, RESULT_X_NOT_AUTHORIZED },
	{ FACT(btid), true, CAUSE_znproxy_btid, RESULT_X_TRANSACTION_INVALID },
	{ FACT(own_home), false, CAUSE_znproxy_own_home, RESULT_REALM_NOT_SERVED },
	{ FACT(home), true, CAUSE_znproxy_home_unknown, RESULT_REALM_NOT_SERVED },
	{ FACT(to_us), false, CAUSE_znproxy_host, RESULT_UNABLE_TO_DELIVER },
	{ FACT(connected), true, CAUSE_znproxy_home_lost, RESULT_UNABLE_TO_DELIVER },
	{ FACT(covered), true, CAUSE_znproxy_certificate, RESULT_X_NOT_AUTHORIZED },
#undef FACT
};

enum cause relay_decide(struct result *r, const struct relay_facts *f)
{
	*r = (struct result){ 0 };
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (*(const bool *)((const char *)f + checks[i].holds) == checks[i].wanted)
			continue;
		r->code = checks[i].code;
		r->experimental = r->code == RESULT_X_NOT_AUTHORIZED || r->code == RESULT_X_TRANSACTION_INVALID;
		r->vendor = r->experimental ? RESULT_VENDOR_3GPP : 0;
		return checks[i].cause;
	}
	return CAUSE_znproxy_ok;
}
