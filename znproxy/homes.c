/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "znproxy/homes.h"

#include <errno.h>
#include <time.h>
#include <openssl/ssl.h>
#include "common/rt/dia_select.h"
#include "common/rt/log_cat.h"
#include "common/rt/tls_keep.h"
#include "dict/gba_ids.h"

static const uint32_t zn_app = GBA_APP_ZN;

static void homes_on_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	if (ev == DIA_HUB_STRAY)
		dia_select_refused(DZN, CAUSE_znproxy_stray, peer, "an answer to nothing that waits");
	else
		dia_select_event(NULL, ev, peer, detail);
}

/* Never plain, whatever the address. */
static void homes_security(void *owner, const char *identity, const struct sockaddr *at, struct dia_hub_security *out)
{
	const struct proxy_home *h = owner;

	tls_peer_security(&h->peer, out);
	if (out->how != DIA_HUB_TLS_AFTER_CER)
		out->how = DIA_HUB_BY_TLS;
}

int homes_open(struct proxy_cfg *c, struct err *err)
{
	struct proxy_home *h;

	llist_for_each_entry(h, &c->homes, entry)
	{
		if (tls_cfg_open(&h->ctx, &h->tls, NULL, err) < 0)
			return -EINVAL;
	}
	return 0;
}

void homes_close(struct proxy_cfg *c)
{
	struct proxy_home *h;

	llist_for_each_entry(h, &c->homes, entry)
	{
		SSL_CTX_free(h->ctx);
		h->ctx = NULL;
	}
}

static int home_use_tls(void *owner, SSL_CTX *ctx)
{
	dia_hub_tls(((struct proxy_home *)owner)->hub, ctx);
	return 0;
}

static int home_start(const struct proxy_cfg *c, struct proxy_home *h, struct dia_loop *l)
{
	const struct dia_hub_cfg cfg = {
		.self = { c->dia.identity, c->dia.realm },
		.realms = (const char *const *)&c->dia.realm,
		.n_realms = 1,
		.client_apps = &zn_app,
		.n_client_apps = 1,
		.state_id = (uint32_t)time(NULL),
		.tc_ms = (uint32_t)c->dia.tc_s * 1000,
		.tw_ms = (uint32_t)c->dia.tw_s * 1000,
		.tls = h->ctx,
		.cb = { .event = homes_on_event, .security = homes_security, .owner = h },
	};
	int rc = 0;

	h->hub = dia_hub_new(l, &cfg);
	if (!h->hub)
		return -ENOMEM;
	rc = tls_keep_begin(h->ctx, &h->tls, c->dia.identity, home_use_tls, h);
	h->ctx = NULL;
	for (size_t i = 0; i < h->n_bsfs && rc == 0; i++)
		rc = dia_hub_dial(h->hub, h->bsfs[i].identity, &h->bsfs[i].at, false);
	return rc;
}

int homes_start(struct proxy_cfg *c, struct dia_loop *l, struct err *err)
{
	struct proxy_home *h;

	llist_for_each_entry(h, &c->homes, entry)
	{
		if (home_start(c, h, l) < 0)
			return err_set(err, -ENOMEM, "home %s: no memory, or no descriptors", h->name);
	}
	return 0;
}

static void on_home_over(void *owner)
{
	(*(size_t *)owner)--;
}

/* All at once: one that does not answer a DPR keeps none of the others. */
void homes_stop(struct proxy_cfg *c, struct dia_loop *l)
{
	size_t left = 0;
	struct proxy_home *h;

	llist_for_each_entry(h, &c->homes, entry)
	{
		left += h->hub != NULL;
		if (h->hub)
			dia_hub_stop(h->hub, on_home_over, &left);
	}
	while (left) {
		dia_loop_wait(l, -1);
		dia_loop_turn(l, DIA_SELECT_BUDGET);
	}
	llist_for_each_entry(h, &c->homes, entry)
	{
		dia_hub_free(h->hub);
		h->hub = NULL;
	}
}

int homes_pick(const struct proxy_home *h, struct span host, unsigned but, const char *fqdn, bool *covered)
{
	bool one = false;

	*covered = false;
	for (size_t i = 0; host.p && i < h->n_bsfs && !one; i++) {
		one = span_ieq(host, span_str(h->bsfs[i].identity));
		but |= one ? ~(1u << i) : 0;
	}
	for (size_t i = 0; h->hub && i < h->n_bsfs; i++) {
		int rc = but & 1u << i ? -ENOTCONN : dia_ask_covers(h->hub, h->bsfs[i].identity, fqdn);

		*covered = rc == 1;
		if (rc >= 0)
			return (int)i;
	}
	return -1;
}
