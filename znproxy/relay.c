/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "znproxy/relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/dia/zn_wire.h"
#include "common/rt/dia_select.h"
#include "common/rt/log_cat.h"
#include "znproxy/homes.h"
#include "znproxy/relay_decide.h"
#include "znproxy/relay_log.h"
#include "znproxy/relay_octets.h"

/* One BIR that waits for its home. */
struct relay_txn {
	struct relay *relay;
	unsigned slot; /* of its peer */
	struct dia_reply *reply;
	struct proxy_home *home; /* homes stay as long as the daemon */
	struct relay_request *request;
	unsigned tried; /* BSFs of the home, a bit each */
	int bsf;        /* the one that is asked now */
	uint8_t rand[BTID_RAND_LEN];
	char fqdn[FQDN_MAX + 1];
};

/* --- the end: an answer to the NAF */

static int put_result(struct writer *w, struct span request, const struct dia_self *self, const void *answer)
{
	return zn_wire_bia_put(w, request, self, answer);
}

static void relay_refuse(struct dia_reply *r, const struct relay_end *e)
{
	const struct zn_bia bia = { .result = *e->result };

	relay_log(e);
	(void)dia_reply_put(r, put_result, &bia);
}

static struct relay_end end_of(const struct relay_txn *t, enum cause cause, const struct result *result)
{
	return (struct relay_end){ .cause = cause,
				   .result = result,
				   .peer = dia_reply_peer(t->reply),
				   .naf = t->fqdn,
				   .rand = t->rand,
				   .home = t->home->name,
				   .bsf = t->home->bsfs[t->bsf].identity };
}

static void relay_txn_free(struct relay_txn *t)
{
	t->relay->in_work--;
	t->relay->of_peer[t->slot]--;
	free(t->request);
	free(t);
}

static void end_refused(struct relay_txn *t, enum cause cause, uint32_t code)
{
	const struct result result = { .code = code };
	const struct relay_end e = end_of(t, cause, &result);

	t->home->lost++;
	relay_refuse(t->reply, &e);
	relay_txn_free(t);
}

static void end_answered(struct relay_txn *t, struct span answer, const struct result *result)
{
	struct relay_end e = end_of(t, CAUSE_znproxy_ok, result);
	char peer[DIA_NAME_MAX + 1];
	int rc;

	snprintf(peer, sizeof(peer), "%s", e.peer);
	e.peer = peer; /* the reply is gone by the time it is told */
	rc = dia_reply_put(t->reply, relay_octets_put_answer, &answer);
	if (rc == -EMSGSIZE)
		e.cause = CAUSE_znproxy_too_large;
	if (rc == -ENOTCONN)
		dia_select_refused(DRT, CAUSE_dia_unsent, peer, "its connection has gone, or does not take more");
	else
		relay_log(&e);
	t->home->passed += rc == 0;
	relay_txn_free(t);
}

/* A redirect would let a home send our NAFs where it likes. */
static void relay_answered(struct relay_txn *t, struct span answer)
{
	struct result result;

	if (!relay_octets_fits(answer, t->request)) {
		end_refused(t, CAUSE_znproxy_answer, RESULT_UNABLE_TO_DELIVER);
		return;
	}
	dia_build_result(&result, answer);
	if (!result.experimental && result.code == RESULT_REDIRECT)
		end_refused(t, CAUSE_znproxy_redirect, RESULT_UNABLE_TO_DELIVER);
	else
		end_answered(t, answer, &result);
}

/* --- the way there */

static void relay_on_answer(void *owner, uint64_t txn, int rc, struct span answer);

/* \returns 0; -ENOTCONN no BSF of the home is left; -EBUSY, -ENOMEM */
static int relay_ask(struct relay_txn *t)
{
	struct proxy_home *h = t->home;
	struct relay_address to;
	int rc = -ENOTCONN, next;

	relay_octets_address(&to, span_of(t->request->octets, t->request->len));
	while (rc == -ENOTCONN && (next = homes_pick(h, to.host, t->tried)) >= 0) {
		const struct dia_target target = { .peer = h->bsfs[next].identity,
						   .session_id = "",
						   .repeated = t->tried != 0,
						   .grammar = &zn_wire_bir,
						   .room = t->request->len };

		t->bsf = next;
		t->tried |= 1u << next;
		if (dia_ask_covers(h->hub, target.peer, t->fqdn) ==
		    1) /* each connection may have its own certificate */
			rc = dia_ask(h->hub, &target, relay_octets_put_request, t->request, h->timeout_s * 1000,
				     relay_on_answer, t, 0);
	}
	return rc;
}

static void relay_on_answer(void *owner, uint64_t txn, int rc, struct span answer)
{
	struct relay_txn *t = owner;

	if (rc == -ENOTCONN) /* another BSF of the home has the same sessions, or knows nothing of them */
		rc = relay_ask(t);
	else if (rc == 0) {
		relay_answered(t, answer);
		return;
	}
	if (rc == -ETIMEDOUT)
		end_refused(t, CAUSE_znproxy_timeout, RESULT_UNABLE_TO_DELIVER);
	else if (rc == -EBADMSG)
		end_refused(t, CAUSE_znproxy_answer, RESULT_UNABLE_TO_DELIVER);
	else if (rc == -ENOTCONN)
		end_refused(t, CAUSE_znproxy_home_lost, RESULT_UNABLE_TO_DELIVER);
	else if (rc < 0)
		end_refused(t, CAUSE_znproxy_busy, RESULT_TOO_BUSY);
}

/* --- a BIR comes in */

static unsigned slot_of_peer(const char *peer)
{
	return (ascii_hash(peer) >> 16) % RELAY_PEERS;
}

static bool has_room(const struct relay *r, unsigned slot)
{
	return r->in_work < RELAY_WAITING_MAX && r->of_peer[slot] < RELAY_SHARE * (RELAY_WAITING_MAX - r->in_work);
}

/* \returns 0, r is kept; -errno, r is still to be answered or (-ECANCELED) has been */
static int txn_begin(struct relay *relay, struct dia_reply *r, const struct zn_bir *bir, struct proxy_home *home)
{
	struct relay_txn *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return -ENOMEM;
	*t = (struct relay_txn){ .relay = relay, .home = home, .slot = slot_of_peer(dia_reply_peer(r)) };
	memcpy(t->rand, bir->btid.rand, sizeof(t->rand));
	memcpy(t->fqdn, bir->naf_id.fqdn, sizeof(t->fqdn));
	t->request = relay_octets_request(dia_reply_request(r), dia_reply_peer(r));
	if (!t->request) {
		rc = -errno;
		free(t);
		return rc;
	}
	t->reply = dia_reply_keep(r);
	if (!t->reply) {
		free(t->request);
		free(t);
		return -ECANCELED;
	}
	relay->in_work++;
	relay->of_peer[t->slot]++;
	rc = relay_ask(t);
	if (rc == -ENOTCONN)
		end_refused(t, CAUSE_znproxy_home_lost, RESULT_UNABLE_TO_DELIVER);
	else if (rc < 0)
		end_refused(t, CAUSE_znproxy_busy, RESULT_TOO_BUSY);
	return 0;
}

static void refuse_unreadable(struct dia_reply *r, const struct dia_fault *bad)
{
	const struct result result = dia_fault_result(bad);

	relay_log(&(struct relay_end){ .cause = CAUSE_znproxy_bad_avp, .result = &result, .peer = dia_reply_peer(r) });
	(void)dia_reply_refuse(r, bad);
}

/* Home of the subscriber: of both names the same. */
static struct proxy_home *home_of(struct relay_facts *f, const struct proxy_cfg *c, const struct zn_bir *bir,
				  const struct relay_address *to)
{
	char realm[DIA_NAME_MAX + 1];
	struct proxy_home *h;

	if (!bir->btid_ok || span_to_str(realm, sizeof(realm), to->realm) < 0)
		return NULL;
	f->own_home = proxy_cfg_is_own(c, bir->btid.domain) || proxy_cfg_is_own(c, realm);
	h = proxy_cfg_home_of(c, realm);
	f->home = h && h == proxy_cfg_home_of(c, bir->btid.domain);
	return f->home ? h : NULL;
}

static struct proxy_home *find_facts(struct relay_facts *f, const struct relay *relay, const struct dia_reply *r,
				     const struct zn_bir *bir, const struct proxy_naf *naf)
{
	enum ua_id_class ua = ua_id_classify(bir->naf_id.ua, NULL);
	struct relay_address to;
	struct proxy_home *h;
	int bsf;

	relay_octets_address(&to, dia_reply_request(r));
	*f = (struct relay_facts){
		.own_origin = naf && span_ieq(span_str(bir->origin_host), span_str(naf->identity)),
		.speaks_for = naf && name_table_covers(naf->names, bir->naf_id.fqdn),
		.ua_id = ua != UA_ID_INVALID && ua != UA_ID_RESERVED,
		.gsids = naf && relay_octets_gsids(dia_reply_request(r), &naf->gsids),
		.btid = bir->btid_ok,
		.to_us = to.host.p && span_ieq(to.host, span_str(relay->cfg->identity)),
	};
	h = home_of(f, relay->cfg, bir, &to);
	bsf = h ? homes_pick(h, to.host, 0) : -1;
	f->connected = bsf >= 0;
	f->covered = bsf >= 0 && dia_ask_covers(h->hub, h->bsfs[bsf].identity, bir->naf_id.fqdn) == 1;
	return h;
}

/* Its rate, and its share of what waits. \returns CAUSE_znproxy_ok: there is room */
static enum cause over_limit(const struct relay *relay, const struct dia_reply *r, const struct proxy_naf *naf)
{
	if (naf && rate_get(naf->rate) && !rate_take(naf->rate, clock_mono_us()))
		return CAUSE_znproxy_rate;
	return has_room(relay, slot_of_peer(dia_reply_peer(r))) ? CAUSE_znproxy_ok : CAUSE_znproxy_busy;
}

static void relay_on_bir(void *owner, struct dia_reply *r)
{
	static const struct result busy = { .code = RESULT_TOO_BUSY };
	struct relay *relay = owner;
	const struct proxy_naf *naf = proxy_cfg_naf(relay->cfg, dia_reply_peer(r));
	struct relay_end e = { .cause = over_limit(relay, r, naf), .result = &busy, .peer = dia_reply_peer(r) };
	struct relay_facts facts;
	struct proxy_home *home;
	struct dia_fault bad;
	struct result result;
	struct zn_bir bir;
	int rc;

	if (e.cause != CAUSE_znproxy_ok) {
		relay_refuse(r, &e);
		return;
	}
	if (zn_wire_bir_get(&bir, dia_reply_request(r), &bad, NULL) < 0) {
		refuse_unreadable(r, &bad);
		return;
	}
	home = find_facts(&facts, relay, r, &bir, naf);
	e = (struct relay_end){ .cause = relay_decide(&result, &facts),
				.result = &result,
				.peer = dia_reply_peer(r),
				.origin = bir.origin_host,
				.naf = bir.naf_id.fqdn,
				.rand = bir.btid_ok ? bir.btid.rand : NULL,
				.home = home ? home->name : NULL };
	if (e.cause != CAUSE_znproxy_ok) {
		relay_refuse(r, &e);
		return;
	}
	rc = txn_begin(relay, r, &bir, home);
	if (rc == 0 || rc == -ECANCELED)
		return;
	e.cause = rc == -EMSGSIZE ? CAUSE_znproxy_too_large : CAUSE_znproxy_busy;
	result = (struct result){ .code = rc == -EMSGSIZE ? RESULT_UNABLE_TO_COMPLY : RESULT_TOO_BUSY };
	relay_refuse(r, &e);
}

struct dia_hub_service relay_service(struct relay *r)
{
	return (struct dia_hub_service){ .grammar = &zn_wire_bir, .fn = relay_on_bir, .owner = r };
}
