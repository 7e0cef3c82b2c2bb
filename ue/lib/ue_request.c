/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ue_request.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/hex.h"
#include "ue/lib/ub_keys.h"
#include "ue/lib/ue_remote.h"

static const char *const texts[] = {
	[GBA_UE_OK] = "ok",
	[GBA_UE_UNKNOWN] = "unknown",
	[GBA_UE_FEATURE_NOT_SUPPORTED] = "feature not supported",
	[GBA_UE_FEATURE_NOT_READY] = "feature not ready",
	[GBA_UE_NETWORK_FAILURE] = "network failure",
	[GBA_UE_INCORRECT_NAF_ID] = "incorrect NAF_Id",
	[GBA_UE_SECURITY_PROTOCOL_NOT_SUPPORTED] = "security protocol not supported",
	[GBA_UE_NOT_ALLOWED] = "not allowed",
	[GBA_UE_TOO_OFTEN] = "too often",
	[GBA_UE_PENDING] = "pending",
};

const char *gba_ue_reason_text(enum gba_ue_reason r)
{
	return (unsigned)r <= GBA_UE_PENDING ? texts[r] : "";
}

enum gba_ue_reason ue_request_reason(enum ue_cause cause)
{
	switch (cause) {
	case UE_CAUSE_ok:
		return GBA_UE_OK;
	case UE_CAUSE_usage:
	case UE_CAUSE_local:
		return GBA_UE_FEATURE_NOT_READY;
	case UE_CAUSE_not_reached:
	case UE_CAUSE_busy:
	case UE_CAUSE_server_error:
	case UE_CAUSE_refused:
		return GBA_UE_NETWORK_FAILURE;
	case UE_CAUSE_not_allowed:
		return GBA_UE_NOT_ALLOWED;
	case UE_CAUSE_too_often:
		return GBA_UE_TOO_OFTEN;
	default:
		return GBA_UE_UNKNOWN;
	}
}

int ue_request_host(char out[GBA_UE_NAME_MAX + 1], const char *naf)
{
	const char *scheme = strstr(naf, "://"), *host = scheme ? scheme + 3 : naf;
	size_t len = strcspn(host, scheme ? "/:?#@" : "");

	if (!len || len > GBA_UE_NAME_MAX || host[len] == '@')
		return -EINVAL;
	memcpy(out, host, len);
	out[len] = '\0';
	return 0;
}

static void request_failed(struct gba_ue_request *q, enum gba_ue_reason reason, enum ue_cause cause,
			   const struct err *why)
{
	q->reason = reason;
	snprintf(q->cause, sizeof(q->cause), "%s", ue_cause_name(cause));
	if (why)
		q->text = *why;
	if (!q->text.text[0])
		err_set(&q->text, 0, "%s", gba_ue_reason_text(reason));
}

static int make_key(struct gba_ue_request *q, struct ue_realm *r, struct err *err)
{
	const struct key_store *k = &r->keys;
	struct gba_ue_key *key = calloc(1, sizeof(*key));
	int rc = key ? 0 : -ENOMEM;

	if (rc == 0 && q->has_naf) {
		rc = ub_keys_naf(r->card, k, &key->key, span_of(q->naf.raw, q->naf.len), err);
		if (rc == 0)
			rc = key_fingerprint(key->fingerprint, &key->key);
	}
	if (rc < 0) {
		gba_ue_key_free(key);
		return rc;
	}
	snprintf(key->btid, sizeof(key->btid), "%s", k->btid);
	snprintf(key->naf, sizeof(key->naf), "%s", q->has_naf ? q->naf.fqdn : "");
	snprintf(key->realm, sizeof(key->realm), "%s", r->name);
	run_id(key->run, k->rand);
	key->expires_at = k->expires_at;
	key->bootstrapped = q->bootstrapped;
	key->drops = r->drops;
	r->given = true;
	q->key = key;
	q->reason = GBA_UE_OK;
	snprintf(q->cause, sizeof(q->cause), "%s", ue_cause_name(UE_CAUSE_ok));
	memcpy(q->trail.run, key->run, sizeof(q->trail.run));
	return 0;
}

/* A refused key is what a forged 401 looks like: so often and no more. Written down before the run, so that no restart forgets
 * it. */
static bool may_renew(struct gba_ue_request *q, struct ue_realm *r)
{
	struct err why = { "" };
	long wait_s = 0;

	if (!q->force || !q->has_naf || !r->keys.has_ks)
		return true;
	if (!ue_limit_take(&r->keys.limit, q->naf.fqdn, time(NULL), q->ue->renewals, q->ue->renewals_s, &wait_s)) {
		err_set(&why, 0, "%s has refused %u keys within %u s: no new one for it within the next %ld s",
			q->naf.fqdn, q->ue->renewals, q->ue->renewals_s, wait_s);
		request_failed(q, GBA_UE_TOO_OFTEN, UE_CAUSE_too_often, &why);
		return false;
	}
	if (key_store_save(&r->keys, &why) == 0)
		return true;
	request_failed(q, GBA_UE_FEATURE_NOT_READY, UE_CAUSE_local, &why);
	return false;
}

static void begin_run(struct gba_ue_request *q, struct ue_realm *r)
{
	struct err why = { "" };
	enum ue_cause rc = UE_CAUSE_pending;

	if (!r->ub.run) {
		if (!may_renew(q, r))
			return;
		rc = ue_realm_start(r, &why);
	}
	if (rc == UE_CAUSE_pending)
		q->realm = r;
	else
		request_failed(q, ue_request_reason(rc), rc, &why);
}

/* The run it waited for is over. \returns false: and nothing came of it */
static bool after_run(struct gba_ue_request *q, struct ue_realm *r)
{
	q->realm = NULL;
	q->trail = r->trail;
	if (r->last != UE_CAUSE_ok) {
		request_failed(q, ue_request_reason(r->last), r->last, &r->why);
		return false;
	}
	q->bootstrapped = true;
	q->force = false;
	return true;
}

/* \returns false: not now, or never */
static bool has_app(struct gba_ue_request *q, struct ue_realm *r)
{
	struct err why = { "" };
	int rc = ue_realm_choose(r, q->wish, q->wish_name, &why);

	q->queued = rc == -EAGAIN;
	if (q->queued)
		q->realm = r;
	else if (rc < 0)
		request_failed(q,
			       rc == -ENOENT || rc == -EBUSY ? GBA_UE_FEATURE_NOT_SUPPORTED : GBA_UE_FEATURE_NOT_READY,
			       UE_CAUSE_local, &why);
	return rc == 0;
}

/* Whose run it waits for is over, or will never be. \returns false: there is nothing to be done now */
static bool waited(struct gba_ue_request *q, struct ue_realm *r)
{
	if (q->realm == r && r->ub.run)
		return false;
	if (q->realm == r && !q->queued)
		return after_run(q, r);
	q->realm = NULL; /* also: another one was made active while it waited */
	return true;
}

/* One step of a request: a key, a run, or why not. */
static void serve(struct gba_ue_request *q)
{
	struct ue_realm *r = q->ue->active;
	struct err why = { "" };
	int rc;

	if (!r) {
		err_set(&why, 0, "there is no realm");
		request_failed(q, GBA_UE_FEATURE_NOT_READY, UE_CAUSE_local, &why);
		return;
	}
	if (!waited(q, r))
		return;
	rc = ue_realm_ready(r, &why);
	if (rc < 0) {
		request_failed(q, GBA_UE_FEATURE_NOT_READY, UE_CAUSE_local, &why);
		return;
	}
	if (!has_app(q, r))
		return;
	ue_realm_life(r);
	if (r->keys.has_ks && (!q->force || (q->refused[0] && strcmp(q->refused, r->keys.btid) != 0))) {
		rc = make_key(q, r, &why);
		if (rc == -ENOKEY && !q->bootstrapped)
			begin_run(q, r);
		else if (rc < 0)
			request_failed(q, GBA_UE_FEATURE_NOT_READY, UE_CAUSE_local, &why);
		return;
	}
	begin_run(q, r);
}

static void ask_agent(struct gba_ue_request *q)
{
	struct ue_remote_answer a;
	struct err why = { "" };
	int rc = ue_remote_step(q->remote, &a, &why);

	if (rc == -EINPROGRESS)
		return;
	ue_remote_free(q->remote);
	q->remote = NULL;
	if (rc < 0) {
		request_failed(q, GBA_UE_FEATURE_NOT_READY, UE_CAUSE_local, &why);
		return;
	}
	if (a.reason == GBA_UE_OK && q->ue->watch)
		ue_watch_given(q->ue->watch, a.key.realm, a.key.btid);
	q->reason = a.reason;
	memcpy(q->cause, a.cause, sizeof(q->cause));
	q->text = a.text;
	q->trail.status = a.status;
	memcpy(q->trail.run, a.run, sizeof(q->trail.run));
	q->key = a.reason == GBA_UE_OK ? calloc(1, sizeof(*q->key)) : NULL;
	if (q->key)
		*q->key = a.key;
	else if (a.reason == GBA_UE_OK)
		request_failed(q, GBA_UE_FEATURE_NOT_READY, UE_CAUSE_local, NULL);
	OPENSSL_cleanse(&a, sizeof(a));
}

static void connect_agent(struct gba_ue_request *q)
{
	static const char *const wishes[] = { "", " app usim", " app isim", " label ", " impi " };
	char line[UE_REMOTE_LINE_MAX], ua[2 * UA_ID_LEN + 1];
	struct err why = { "" };

	hex_encode(ua, sizeof(ua), q->naf.ua, UA_ID_LEN);
	if (q->has_naf)
		snprintf(line, sizeof(line), "key %s ua %s%s%s%s%s%s", q->naf.fqdn, ua, wishes[q->wish], q->wish_name,
			 q->force ? " force" : "", q->refused[0] ? " refused " : "", q->refused);
	else
		snprintf(line, sizeof(line), "renew");
	q->remote = ue_remote_new(q->ue->agent, line, q->ue->epoll_fd, &why);
	if (q->remote)
		ask_agent(q);
	else
		request_failed(q, GBA_UE_FEATURE_NOT_READY, UE_CAUSE_local, &why);
}

/* \returns false: what was asked for is no key */
static bool take_naf(struct gba_ue_request *q, const char *naf, const uint8_t *ua_id)
{
	const uint8_t *ua = ua_id ? ua_id : UA_ID_HTTP_DIGEST;
	enum ua_id_class class = ua_id_classify(ua, NULL);
	char host[GBA_UE_NAME_MAX + 1];
	struct err why = { "" };

	q->has_naf = naf != NULL;
	if (!naf)
		return true;
	if (ue_request_host(host, naf) < 0 || naf_id_make(&q->naf, host, ua) < 0) {
		err_set(&why, 0, "that is no host name that a NAF key can be made for");
		request_failed(q, GBA_UE_INCORRECT_NAF_ID, UE_CAUSE_usage, &why);
		return false;
	}
	if (class == UA_ID_INVALID || class == UA_ID_RESERVED) {
		err_set(&why, 0, "that Ua security protocol identifier is reserved or invalid");
		request_failed(q, GBA_UE_SECURITY_PROTOCOL_NOT_SUPPORTED, UE_CAUSE_usage, &why);
		return false;
	}
	return true;
}

/* \param[in] app "any" too is a wish \returns false: no application can be named so */
static bool take_wish(struct gba_ue_request *q, enum gba_ue_app app, const char *label, const char *impi)
{
	static const enum card_wish wishes[] = { CARD_WISH_ANY, CARD_WISH_USIM, CARD_WISH_ISIM };
	const char *name = impi ? impi : label; /* 4.4.8: the identity where both are known */

	if ((unsigned)app > GBA_UE_APP_ISIM)
		return false;
	q->wish = impi ? CARD_WISH_IMPI : label ? CARD_WISH_LABEL : wishes[app];
	if (!name)
		return true;
	/* what the agent's line cannot hold is no name anywhere */
	if (!name[0] || strlen(name) > IMPI_MAX || name[strcspn(name, " \t\r\n")])
		return false;
	strcpy(q->wish_name, name);
	return true;
}

static struct gba_ue_request *start_request(struct gba_ue *ue, enum gba_ue_app app, const struct gba_ue_named *named,
					    const char *naf, const uint8_t *ua_id, bool force, const char *refused)
{
	struct gba_ue_request *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->reason = GBA_UE_PENDING;
	q->ue = ue;
	q->force = force || !naf;
	if (!ue || !take_wish(q, app, named->label, named->impi)) {
		request_failed(q, GBA_UE_FEATURE_NOT_SUPPORTED, UE_CAUSE_usage, NULL);
		return q;
	}
	q->next = ue->requests;
	ue->requests = q;
	if (refused && strlen(refused) <= BTID_MAX)
		strcpy(q->refused, refused);
	if (!take_naf(q, naf, ua_id))
		return q;
	if (ue->agent) {
		connect_agent(q);
		return q;
	}
	serve(q); /* this one alone: who steps looks at the others afterwards, who starts does not */
	ue_device_arm(ue);
	return q;
}

struct gba_ue_request *gba_ue_start(struct gba_ue *ue, enum gba_ue_app app, const char *naf, const uint8_t ua_id[5],
				    bool force, const char *refused)
{
	return start_request(ue, app, &(struct gba_ue_named){ NULL, NULL }, naf, ua_id, force, refused);
}

struct gba_ue_request *gba_ue_start_named(struct gba_ue *ue, const struct gba_ue_named *named, const char *naf,
					  const uint8_t ua_id[5], bool force, const char *refused)
{
	static const struct gba_ue_named none = { NULL, NULL };

	return start_request(ue, GBA_UE_APP_ANY, named ? named : &none, naf, ua_id, force, refused);
}

bool ue_request_can_go_on(const struct gba_ue *ue)
{
	for (const struct gba_ue_request *q = ue->requests; q; q = q->next)
		if (q->reason == GBA_UE_PENDING && !q->remote &&
		    (!q->realm || q->realm != ue->active || !q->realm->ub.run))
			return true;
	return false;
}

size_t gba_ue_step(struct gba_ue *ue)
{
	uint64_t ticks;
	size_t pending = 0;

	if (!ue)
		return 0;
	ue_device_watch(ue);
	(void)!read(ue->clock_fd, &ticks, sizeof(ticks)); /* also when the clock was set */
	for (size_t i = 0; i < ue->n_realms; i++) {
		ue_realm_step(ue->realms[i]);
		ue_realm_life(ue->realms[i]);
	}
	/* first those whose run is over, then those that waited for the card, who begin runs of other applications */
	for (int queued = 0; queued < 2; queued++) {
		for (struct gba_ue_request *q = ue->requests; q; q = q->next) {
			if (q->reason != GBA_UE_PENDING || q->queued != queued)
				continue;
			if (q->remote)
				ask_agent(q);
			else
				serve(q);
		}
	}
	for (struct gba_ue_request *q = ue->requests; q; q = q->next)
		pending += q->reason == GBA_UE_PENDING;
	ue_device_arm(ue);
	return pending;
}

enum gba_ue_reason gba_ue_reason(const struct gba_ue_request *q)
{
	return q ? q->reason : GBA_UE_UNKNOWN;
}

enum gba_ue_reason gba_ue_wait(struct gba_ue_request *q, int ms)
{
	const uint64_t end = clock_mono_ms() + (uint64_t)(ms < 0 ? 0 : ms);
	int left = ms;

	while (q && q->reason == GBA_UE_PENDING && (ms < 0 || left >= 0)) {
		struct pollfd p = { .fd = q->ue->epoll_fd, .events = POLLIN };

		poll(&p, 1, left);
		gba_ue_step(q->ue);
		if (ms >= 0)
			left = clock_mono_ms() < end ? (int)(end - clock_mono_ms()) : -1;
	}
	return gba_ue_reason(q);
}

const char *gba_ue_text(const struct gba_ue_request *q)
{
	return q ? q->text.text : "no memory";
}

const char *gba_ue_cause(const struct gba_ue_request *q)
{
	return q ? q->cause : ue_cause_name(UE_CAUSE_local);
}

long gba_ue_status(const struct gba_ue_request *q)
{
	return q ? q->trail.status : 0;
}

const char *gba_ue_run(const struct gba_ue_request *q)
{
	return q ? q->trail.run : "";
}

enum gba_ue_reason gba_ue_finish(struct gba_ue_request *q, struct gba_ue_key **key)
{
	enum gba_ue_reason reason = gba_ue_reason(q);

	if (key)
		*key = NULL;
	if (!q)
		return GBA_UE_UNKNOWN;
	if (key)
		*key = q->key;
	else
		gba_ue_key_free(q->key);
	for (struct gba_ue_request **p = q->ue ? &q->ue->requests : &(struct gba_ue_request *){ NULL }; *p;
	     p = &(*p)->next) {
		if (*p == q) {
			*p = q->next;
			break;
		}
	}
	ue_remote_free(q->remote);
	OPENSSL_cleanse(q, sizeof(*q));
	free(q);
	return reason;
}
