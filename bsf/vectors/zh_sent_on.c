/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/zh_sent_on.h"

#include <errno.h>
#include <stdlib.h>
#include "common/base/clock.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

/* One of those we were sent to: an HSS of ours; or any host, but then only through the relay that named it. */
static int aim_at(const struct zh_run *r, const char *host, const struct policy *p, struct hss_seen *seen,
		  struct zh_aim *aim)
{
	int i = zh_run_hss(p, hss_id(host));

	if (zh_run_asked(r, hss_id(host)))
		return -ELOOP;
	if (i >= 0) {
		aim->q.wanted = i;
		return seen[i].open ? 0 : -ENOTCONN;
	}
	i = r->named_by->relayed ? zh_run_hss(p, r->named_by->id) : -1;
	if (i < 0)
		return -EACCES;
	aim->q.wanted = i;
	aim->host = host;
	seen[i].tried = false;
	return seen[i].open ? 0 : -ENOTCONN;
}

int zh_sent_on_aim(const struct zh_run *r, const struct policy *p, struct hss_seen *seen, struct zh_aim *aim)
{
	int why = -EACCES;

	aim->q.wanted_only = true;
	for (size_t i = 0; i < r->named->n; i++) {
		int rc = aim_at(r, r->named->hosts[i], p, seen, aim);

		if (rc == 0)
			return 0;
		aim->host = NULL;
		if (why == -EACCES || rc == -ENOTCONN)
			why = rc;
	}
	aim->q.wanted = -1;
	return why;
}

void zh_sent_on_clear(struct zh_run *r)
{
	hss_put(r->named_by);
	free(r->named);
	r->named_by = NULL;
	r->named = NULL;
}

void zh_sent_on_void(struct zh_run *r)
{
	redirects_forget(r->zc->redirects, r->named_by->id, r->mar.impi.s);
	zh_sent_on_clear(r);
}

/* \returns 0; -ENOMEM */
static int by(struct zh_run *r, const struct zh_redirect *named, struct hss *who)
{
	struct zh_redirect *own = malloc(sizeof(*own));

	if (!own)
		return -ENOMEM;
	*own = *named;
	zh_sent_on_clear(r);
	r->named = own;
	r->named_by = hss_get(who);
	return 0;
}

int zh_sent_on_by(struct zh_run *r, const struct zh_answer *a)
{
	return ++r->redirects > ZH_REDIRECTS_MAX ? -ELOOP : by(r, a->redirect, a->hss);
}

bool zh_sent_on_before(struct zh_run *r, struct hss *would)
{
	const struct zh_redirect *said = NULL;

	if (r->zc->redirects && !r->named)
		said = redirects_get(r->zc->redirects, would->id, r->mar.impi.s, clock_mono_ms());
	return said && by(r, said, would) == 0;
}

static void tell_sent_on(const struct zh_run *r, enum cause cause)
{
	struct log_line l;

	counter_inc(cause);
	if (!log_line_begin(&l, DZH, LOGL_INFO, cause))
		return;
	log_line_str(&l, "session", r->session_id);
	log_line_impi(&l, r->mar.impi.s);
	log_line_str(&l, "hss", r->named_by->identity);
	log_line_str(&l, "to", r->now->identity);
	log_line_end(&l);
}

/* What cannot be followed is not kept, nor is what finds no memory. */
static void remember(struct zh_flow *zc, const struct zh_run *r, const struct zh_answer *a)
{
	if (!zc->redirects)
		zc->redirects = redirects_new();
	if (zc->redirects)
		redirects_put(zc->redirects, a->hss->id, r->mar.impi.s, a->redirect, clock_mono_ms());
}

void zh_sent_on_done(struct zh_run *r, const struct zh_answer *a)
{
	tell_sent_on(r, a ? CAUSE_zh_redirected : CAUSE_zh_redirect_cached);
	if (a)
		remember(r->zc, r, a);
}
