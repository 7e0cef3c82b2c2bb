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
	unsigned tried;         /* BSFs of the home, a bit each */
	int bsf;                /* the one that is asked now */
	struct span btid, host; /* of request; host.p NULL: no Destination-Host */
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
				   .btid = t->btid,
				   .home = t->home->name,
				   .bsf = t->home->bsfs[t->bsf].identity };
}

static void relay_txn_free(struct relay_txn *t)
{
	t->relay->in_work--;
	t->home->in_work--;
	t->home->of_naf[t->slot]--;
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

	if (!relay_octets_fits(&result, answer, t->request)) {
		end_refused(t, CAUSE_znproxy_answer, RESULT_UNABLE_TO_DELIVER);
		return;
	}
	if (!result.experimental && result.code == RESULT_REDIRECT)
		end_refused(t, CAUSE_znproxy_redirect, RESULT_UNABLE_TO_DELIVER);
	else
		end_answered(t, answer, &result);
}

/* --- the way there */

static void relay_on_answer(void *owner, uint64_t txn, int rc, struct span answer);

static int ask_one(struct relay_txn *t, int bsf)
{
	const struct dia_target target = { .peer = t->home->bsfs[bsf].identity,
					   .session_id = "",
					   .repeated = t->tried != 0,
					   .grammar = &zn_wire_bir,
					   .room = t->request->len };

	t->bsf = bsf;
	t->tried |= 1u << bsf;
	return dia_ask(t->home->hub, &target, relay_octets_put_request, t->request, t->home->timeout_s * 1000,
		       relay_on_answer, t, 0);
}

/* \returns 0; -ENOTCONN no BSF of the home is left; -EBUSY, -ENOMEM */
static int ask_another(struct relay_txn *t)
{
	bool covered; /* each connection may have its own certificate */
	int rc = -ENOTCONN, bsf;

	while (rc == -ENOTCONN && (bsf = homes_pick(t->home, t->host, t->tried, t->fqdn, &covered)) >= 0) {
		if (covered)
			rc = ask_one(t, bsf);
		t->tried |= 1u << bsf;
	}
	return rc;
}

static void relay_on_answer(void *owner, uint64_t txn, int rc, struct span answer)
{
	struct relay_txn *t = owner;

	if (rc == -ENOTCONN) /* another BSF of the home has the same sessions, or knows nothing of them */
		rc = ask_another(t);
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

static unsigned slot_of_naf(const char *peer)
{
	return (ascii_hash(peer) >> 16) % PROXY_NAF_SLOTS;
}

/* A home that is slow costs no other home, and a NAF that is greedy no other NAF. */
static bool has_room(const struct relay *r, const struct proxy_home *h, unsigned slot)
{
	return r->in_work < RELAY_WAITING_MAX && h->in_work < PROXY_WAITING_MAX &&
	       h->of_naf[slot] < RELAY_SHARE * (PROXY_WAITING_MAX - h->in_work);
}

/* Where it is in the copy. */
static struct span in_copy(const struct relay_txn *t, struct span msg, struct span s)
{
	return s.p ? span_of(t->request->octets + (s.p - msg.p), s.len) : s;
}

/* \returns 0, r is kept; -errno, r is still to be answered or (-ECANCELED) has been */
static int txn_begin(struct relay *relay, struct dia_reply *r, const struct relay_bir *bir, struct proxy_home *home,
		     int bsf)
{
	struct relay_txn *t = malloc(sizeof(*t));
	struct span msg = dia_reply_request(r);
	int rc;

	if (!t)
		return -ENOMEM;
	t->request = relay_octets_request(msg, dia_reply_peer(r));
	if (!t->request) {
		rc = -errno;
		free(t);
		return rc;
	}
	t->relay = relay;
	t->home = home;
	t->tried = 0;
	t->slot = slot_of_naf(dia_reply_peer(r));
	t->btid = in_copy(t, msg, bir->btid);
	t->host = in_copy(t, msg, bir->host);
	strcpy(t->fqdn, bir->naf_id.fqdn);
	t->reply = dia_reply_keep(r);
	if (!t->reply) {
		free(t->request);
		free(t);
		return -ECANCELED;
	}
	relay->in_work++;
	home->in_work++;
	home->of_naf[t->slot]++;
	rc = ask_one(t, bsf);
	if (rc < 0)
		relay_on_answer(t, 0, rc, span_of(NULL, 0));
	return 0;
}

static void refuse_unreadable(struct dia_reply *r, const struct dia_fault *bad)
{
	const struct result result = dia_fault_result(bad);

	relay_log(&(struct relay_end){ .cause = CAUSE_znproxy_bad_avp, .result = &result, .peer = dia_reply_peer(r) });
	(void)dia_reply_refuse(r, bad);
}

/* Home of the subscriber: of both names the same. */
static struct proxy_home *home_of(struct relay_facts *f, struct proxy_cfg *c, const struct relay_bir *bir)
{
	struct proxy_whose realm = proxy_cfg_whose(c, bir->realm);
	struct proxy_whose btid = proxy_cfg_whose(c, span_str(bir->btid_domain));

	f->own_home = realm.own || btid.own;
	f->home = realm.home && realm.home == btid.home;
	return f->home ? realm.home : NULL;
}

static struct proxy_home *find_facts(struct relay_facts *f, int *bsf, struct relay *relay, const struct relay_bir *bir,
				     const struct proxy_naf *naf)
{
	enum ua_id_class ua = ua_id_classify(bir->naf_id.ua, NULL);
	struct proxy_home *h;

	*f = (struct relay_facts){
		.own_origin = naf && span_ieq(bir->origin, span_str(naf->identity)),
		.speaks_for = naf && name_table_covers(naf->names, bir->naf_id.fqdn),
		.ua_id = ua != UA_ID_INVALID && ua != UA_ID_RESERVED,
		.gsids = bir->gsids,
		.btid = bir->btid_domain[0],
		.to_us = bir->host.p && span_ieq(bir->host, span_str(relay->cfg->dia.identity)),
	};
	h = home_of(f, relay->cfg, bir);
	*bsf = h ? homes_pick(h, bir->host, 0, bir->naf_id.fqdn, &f->covered) : -1;
	f->connected = *bsf >= 0;
	return h;
}

static bool over_rate(const struct proxy_naf *naf)
{
	return naf && rate_get(naf->rate) && !rate_take(naf->rate, clock_mono_us());
}

/* What stays is busy or too long. */
static void refuse_unbegun(struct dia_reply *r, struct relay_end *e, int rc)
{
	const struct result result = { .code = rc == -EMSGSIZE ? RESULT_UNABLE_TO_COMPLY : RESULT_TOO_BUSY };

	e->cause = rc == -EMSGSIZE ? CAUSE_znproxy_too_large : CAUSE_znproxy_busy;
	e->result = &result;
	relay_refuse(r, e);
}

static void relay_read_one(struct relay *relay, struct dia_reply *r, const struct relay_bir *bir,
			   const struct proxy_naf *naf)
{
	char origin[DIA_NAME_MAX + 1] = "";
	struct relay_facts facts;
	struct result result;
	int bsf, rc;
	struct proxy_home *home = find_facts(&facts, &bsf, relay, bir, naf);
	struct relay_end e = { .cause = relay_decide(&result, &facts),
			       .result = &result,
			       .peer = dia_reply_peer(r),
			       .origin = origin,
			       .naf = bir->naf_id.fqdn,
			       .btid = bir->btid,
			       .home = home ? home->name : NULL };

	if (e.cause == CAUSE_znproxy_ok) {
		rc = has_room(relay, home, slot_of_naf(e.peer)) ? txn_begin(relay, r, bir, home, bsf) : -EBUSY;
		if (rc < 0 && rc != -ECANCELED)
			refuse_unbegun(r, &e, rc);
		return;
	}
	(void)span_to_str(origin, sizeof(origin), bir->origin);
	relay_refuse(r, &e);
}

static void relay_on_bir(void *owner, struct dia_reply *r)
{
	static const struct result busy = { .code = RESULT_TOO_BUSY };
	struct relay *relay = owner;
	const struct proxy_naf *naf = proxy_cfg_naf(relay->cfg, dia_reply_peer(r));
	const struct relay_end e = { .cause = CAUSE_znproxy_rate, .result = &busy, .peer = dia_reply_peer(r) };
	struct relay_bir bir;
	struct dia_fault bad;

	if (over_rate(naf))
		relay_refuse(r, &e);
	else if (relay_octets_read(&bir, dia_reply_request(r), naf ? &naf->gsids : NULL, &bad) < 0)
		refuse_unreadable(r, &bad);
	else
		relay_read_one(relay, r, &bir, naf);
}

struct dia_hub_service relay_service(struct relay *r)
{
	return (struct dia_hub_service){ .grammar = &zn_wire_bir, .fn = relay_on_bir, .owner = r };
}
