/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/zh_decide.h"

#include "common/gba/guss.h"

#define AVP_SIP_AUTHORIZATION 610

const char zh_guss_empty[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			     "<guss xmlns=\"" GUSS_NAMESPACE "\"><ussList/></guss>\n";

static void zh_decide_refuse(struct zh_decision *out, enum cause cause, uint32_t code)
{
	*out = (struct zh_decision){ .cause = cause, .result = { .code = code } };
}

void zh_decide_failed(struct zh_decision *out)
{
	zh_decide_refuse(out, CAUSE_hss_failed, RESULT_UNABLE_TO_COMPLY);
}

/* 29.109 4.2, 33.220 4.5.2: left out only when the timestamps were compared and are equal. A BSF that sent a timestamp
 * reads "no GUSS" as "equal", so a user who has none (any more) gets an empty one. */
static struct span choose_guss(const struct zh_mar *mar, const struct zh_facts *f)
{
	if (!mar->has_guss_timestamp)
		return f->guss;
	if (f->guss.len == 0)
		return span_str(zh_guss_empty);
	if (f->has_guss_timestamp && f->guss_timestamp == mar->guss_timestamp)
		return span_of(NULL, 0);
	return f->guss;
}

static enum cause bad_cause(const struct result *bad)
{
	if (bad->code == RESULT_MISSING_AVP)
		return CAUSE_hss_missing_avp;
	if (bad->code == RESULT_INVALID_AVP_VALUE && bad->failed_avp == AVP_SIP_AUTHORIZATION)
		return CAUSE_hss_auts_length;
	return CAUSE_hss_bad_avp;
}

void zh_decide(struct zh_decision *out, const struct zh_mar *mar, const struct result *bad, const struct zh_facts *f)
{
	*out = (struct zh_decision){ 0 };
	if (bad->code) {
		out->cause = bad_cause(bad);
		out->result = *bad;
		return;
	}
	if (!f->known) {
		zh_decide_refuse(out, CAUSE_hss_user_unknown, RESULT_X_IDENTITY_UNKNOWN);
		out->result.experimental = true;
		out->result.vendor = RESULT_VENDOR_3GPP;
		return;
	}
	/* Without SIP-Auth-Data-Item no scheme is asked for: the subscriber's own is the only one there is. */
	if (mar->scheme[0] && strcmp(mar->scheme, ZH_SCHEME_AKAV1) != 0) {
		zh_decide_refuse(out, CAUSE_hss_scheme, RESULT_UNABLE_TO_COMPLY);
		return;
	}
	if (!f->readable || (mar->has_resync && f->auts == AUC_AUTS_FAILED)) {
		zh_decide_failed(out);
		return;
	}
	if (mar->has_resync && f->auts == AUC_AUTS_REFUSED) {
		zh_decide_refuse(out, CAUSE_hss_auts_refused, RESULT_UNABLE_TO_COMPLY);
		return;
	}
	out->resync = mar->has_resync && f->auts == AUC_AUTS_SET;
	out->cause = out->resync ? CAUSE_hss_resync : CAUSE_hss_ok;
	out->result.code = RESULT_SUCCESS;
	out->vector = true;
	out->guss = choose_guss(mar, f);
}
