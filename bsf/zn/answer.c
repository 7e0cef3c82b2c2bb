/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file answer.c
 *  The end of every BIR. */
#include "bsf/zn/answer.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include "bsf/store/backend.h"
#include "bsf/zn/decide.h"
#include "bsf/zn/given.h"
#include "bsf/zn/usage.h"
#include "common/rt/counters.h"
#include "common/rt/dia_select.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

static bool (*followed)(void *owner, const char *impi);
static void *followed_owner;

void zn_answer_follow(bool (*fn)(void *owner, const char *impi), void *owner)
{
	followed = fn;
	followed_owner = owner;
}

/* Everyday ends are INFO; what a NAF may not do or does wrong is NOTICE, since only the operator can mend it; so is all about a
 * subscriber who is followed. */
static int level_of(enum cause cause, bool follow)
{
	if (!follow && (cause == CAUSE_zn_ok || cause == CAUSE_zn_btid_unknown))
		return LOGL_INFO;
	return cause == CAUSE_store_failed ? LOGL_ERROR : LOGL_NOTICE;
}

/* Not rate-limited where the cause is ours: an operator looks for each of these. */
static bool line_wanted(enum cause cause, bool follow)
{
	if (!log_relay_enabled(DZN, level_of(cause, follow)))
		return false;
	return follow || cause == CAUSE_zn_ok || cause == CAUSE_store_failed || log_rate_ok(DZN);
}

/* \param[in] bir, s NULL where there is none. */
static void count_and_log(const struct zn_bia *bia, const char *peer, const struct zn_bir *bir,
			  const struct gba_session *s, enum cause cause)
{
	bool follow = s && followed && followed(followed_owner, s->impi.s);
	struct log_line l;

	counter_inc(cause);
	if (!line_wanted(cause, follow) || !log_line_begin(&l, DZN, level_of(cause, follow), cause))
		return;
	log_line_run(&l, bir && bir->btid_ok ? bir->btid.rand : NULL);
	log_line_impi(&l, s ? s->impi.s : "");
	log_line_str(&l, "naf", bir ? bir->naf_id.fqdn : NULL);
	log_line_str(&l, "peer", peer);
	if (bir && strcasecmp(bir->origin_host, peer) != 0)
		log_line_str(&l, "origin", bir->origin_host);
	log_line_str(&l, "route", bir ? bir->route : NULL);
	log_line_result(&l, &bia->result);
	log_line_end(&l);
}

/* A key that was not sent is not logged as given. */
static int encode_and_log(struct zn_bia *bia, const char *peer, const struct zn_bir *bir, const struct gba_session *s,
			  enum cause cause, zn_encode_fn *encode, void *carrier)
{
	int rc = encode(carrier, bia);

	if (rc == -EMSGSIZE) {
		cause = CAUSE_zn_too_large;
		bia->result = (struct result){ .code = RESULT_UNABLE_TO_COMPLY };
	}
	if (rc == -ENOTCONN)
		dia_select_refused(DRT, CAUSE_dia_unsent, peer, "its connection has gone, or had no room for it");
	else
		count_and_log(bia, peer, bir, s, cause);
	zn_bia_clear(bia);
	return rc;
}

static struct zn_ask ask_of(const struct zn_bir *bir, const struct zn_found *found)
{
	const struct policy *policy = policy_current();

	return (struct zn_ask){
		.bir = bir,
		.naf = policy_naf_over(policy, bir->peer, span_str(bir->asker)),
		.twice = policy && policy_twice(policy, bir->naf_id.fqdn),
		.store_rc = found->rc,
		.session = found->session,
		.uses = found->uses,
		.now_s = found->now_s,
	};
}

bool zn_answer_counts(const struct zn_bir *bir, const struct zn_found *found)
{
	struct zn_ask ask = ask_of(bir, found);
	struct zn_bia bia;
	bool counts;

	if (!ask.naf || !ask.naf->key_uses_max)
		return false;
	counts = zn_decide(&bia, &ask) == CAUSE_zn_ok;
	zn_bia_clear(&bia);
	return counts;
}

int zn_answer(const struct zn_bir *bir, const struct zn_found *found, zn_encode_fn *encode, void *carrier)
{
	const struct gba_session *s = found->rc == 0 ? found->session : NULL;
	struct zn_ask ask = ask_of(bir, found);
	uint64_t who = s ? zn_given_who(s->impi.s) : 0;
	struct zn_bia bia;
	enum cause cause = zn_decide(&bia, &ask);
	int rc = encode_and_log(&bia, bir->peer, bir, s, cause, encode, carrier);

	if (rc == 0 && cause == CAUSE_zn_ok && zn_given_note(who, &bir->btid, bir->naf_id.fqdn, ask.now_s))
		zn_usage_note(s->impi.s, bir->naf_id.fqdn, s->created_at, ask.now_s);
	return rc;
}

int zn_answer_refuse(const char *peer, const struct zn_bir *bir, enum cause cause, const struct result *r,
		     zn_encode_fn *encode, void *carrier)
{
	struct zn_bia bia = { .result = *r };

	return encode_and_log(&bia, peer, bir, NULL, cause, encode, carrier);
}
