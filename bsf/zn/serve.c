/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/zn/serve.h"

#include <errno.h>
#include <stdio.h>
#include "bsf/zn/answer.h"
#include "bsf/policy/policy.h"
#include "common/base/clock.h"
#include "common/dia/zn_wire.h"
#include "common/rt/dia_select.h"
#include "common/rt/log_cat.h"

/* What answers a request that is refused as it came. */
struct refusal {
	struct dia_reply *reply;
	const struct dia_fault *fault;
};

static int refuse_with(void *carrier, const struct zn_bia *bia)
{
	struct refusal *r = carrier;

	return dia_reply_refuse(r->reply, r->fault);
}

static bool over_rate(const struct naf_policy *naf)
{
	return naf && naf->rate && rate_get(naf->rate) && !rate_take(naf->rate, clock_mono_us());
}

static void refuse_unread(struct dia_reply *r, const struct dia_fault *bad)
{
	static const struct {
		uint32_t code;
		enum cause cause;
	} causes[] = {
		{ RESULT_MISSING_AVP, CAUSE_zn_missing_avp },
		{ RESULT_AVP_TOO_MANY, CAUSE_zn_avp_repeated },
	};
	static const struct dia_fault busy = { .code = RESULT_TOO_BUSY };
	char peer[ZN_NAME_MAX + 1];
	/* what cannot be read costs as much: it counts for the NAF that is the peer */
	bool over = over_rate(policy_naf_over(policy_current(), dia_reply_peer(r), span_str(dia_reply_peer(r))));
	struct refusal refusal = { r, over ? &busy : bad };
	struct result result = dia_fault_result(refusal.fault);
	enum cause cause = over ? CAUSE_zn_rate : CAUSE_zn_bad_avp;

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].code == refusal.fault->code)
			cause = causes[i].cause;
	snprintf(peer, sizeof(peer), "%s", dia_reply_peer(r));
	(void)zn_answer_refuse(peer, NULL, cause, &result, refuse_with, &refusal);
}

/* Of at most ZN_NAME_MAX octets, as all names of peers are; for each BIR, where snprintf() would be seen. */
static void copy_name(char out[ZN_NAME_MAX + 1], const char *name)
{
	size_t len = strnlen(name, ZN_NAME_MAX);

	memcpy(out, name, len);
	out[len] = '\0';
}

static void note_route(struct zn_bir *b)
{
	struct writer w;

	writer_init(&w, b->route, sizeof(b->route) - 1);
	for (size_t i = 0; i < b->n_routes && !w.overflow; i++) {
		writer_str(&w, i ? " " : "");
		writer_span(&w, b->routes[i]);
	}
	b->route[w.len] = '\0';
}

static bool is_unvouched(const struct dia_reply *r, const struct zn_bir *b, const struct naf_policy *naf)
{
	enum policy_vouch v = policy_vouch(policy_current(), b->peer, naf);

	return v == POLICY_NOT_VOUCHED || (v == POLICY_BY_CERTIFICATE && !dia_reply_covers(r, b->naf_id.fqdn));
}

/* While request and connection are there: whose is it? \returns NULL: nobody's */
static const struct naf_policy *find_asker(struct zn_bir *b, const struct dia_reply *r)
{
	const struct naf_policy *naf;
	enum policy_who who = policy_who(&naf, policy_current(), b->peer, span_str(b->origin_host), b->routes,
					 b->n_routes, b->routes_cut);

	if (b->n_routes)
		note_route(b);
	b->n_routes = 0;
	b->liar = who == POLICY_LIAR;
	if (naf)
		copy_name(b->asker, naf->identity);
	b->unvouched = naf && is_unvouched(r, b, naf);
	return naf;
}

static void zn_serve_on_bir(void *owner, struct dia_reply *r)
{
	static const struct result busy = { .code = RESULT_TOO_BUSY };
	struct zn_serve *z = owner;
	struct dia_fault bad;
	struct zn_bir bir;
	unsigned read_over = 0;

	if (zn_wire_bir_get(&bir, dia_reply_request(r), &bad, &read_over) < 0) {
		refuse_unread(r, &bad);
		return;
	}
	copy_name(bir.peer, dia_reply_peer(r));
	if (read_over)
		dia_select_refused(DZN, CAUSE_zn_read_over, bir.peer, "it has AVPs of 3GPP that a BIR does not have");
	if (over_rate(find_asker(&bir, r))) {
		(void)zn_answer_refuse(bir.peer, &bir, CAUSE_zn_rate, &busy, zn_flow_put, r);
		return;
	}
	if (!bir.btid_ok)
		(void)zn_answer(&bir, &(struct zn_found){ .rc = -ENOENT }, zn_flow_put, r);
	else if (zn_flow_take(z->flow, r, &bir) < 0)
		(void)zn_answer_refuse(bir.peer, &bir, CAUSE_zn_busy, &busy, zn_flow_put, r);
}

struct dia_hub_service zn_serve(struct zn_serve *z)
{
	return (struct dia_hub_service){ .grammar = &zn_wire_bir, .fn = zn_serve_on_bir, .owner = z };
}
