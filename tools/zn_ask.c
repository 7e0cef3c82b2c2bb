/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tools/zn_ask.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/dia/dia_addr.h"
#include "common/gba/gba_time.h"
#include "dict/gba_ids.h"
#include "naf-lib/naf_bir.h"

#define BUDGET  64
#define STOP_MS 10000 /* the hub has its own limit */

/*! One run of the tool, on its own thread. */
struct run {
	const struct zn_ask *ask;
	const char *peer;
	struct naf_tls tls;
	struct naf_tls_use use;
	struct dia_loop *loop;
	struct dia_hub *hub;
	bool open, answered, stopped;
	int rc;
	struct zn_bia bia;
	char refused[400]; /* why it does not want us, or we do not want it */
	char trouble[400]; /* what else went wrong */
};

static void tell(const struct run *r, const char *what, const char *peer, const char *detail)
{
	char text[512];
	struct writer w;

	writer_init(&w, text, sizeof(text));
	writer_printf(&w, "%s%s%s%s", what, peer, *detail ? ": " : "", detail);
	if (r->ask->log && writer_end(&w) > 0)
		r->ask->log(text);
}

static void zn_ask_on_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	struct run *r = owner;

	tell(r, ev == DIA_HUB_OPEN ? "connected to " : "diameter: ", peer, detail);
	if (ev == DIA_HUB_OPEN || ev == DIA_HUB_LOST)
		r->open = ev == DIA_HUB_OPEN;
	if (ev == DIA_HUB_REFUSED || ev == DIA_HUB_TLS || ev == DIA_HUB_CERTIFICATE)
		span_to_str(r->refused, sizeof(r->refused), span_str(detail));
}

static void on_answer(void *owner, uint64_t txn, int rc, struct zn_bia *bia, const char *why)
{
	struct run *r = owner;
	time_t now = time(NULL);

	r->answered = true;
	r->rc = rc;
	if (why)
		span_to_str(r->trouble, sizeof(r->trouble), span_str(why));
	if (rc < 0)
		return;
	r->bia = *bia;
	r->bia.expires_at = ntp_near(bia->expires_at, now);
	r->bia.created_at = ntp_near(bia->created_at, now);
	bia->uss_list = NULL; /* moved */
}

/* A refusal stays one until somebody mends it: no more tries. */
static bool is_settled(const struct run *r)
{
	return r->open || *r->refused;
}

static bool is_answered(const struct run *r)
{
	return r->answered;
}

static bool is_stopped(const struct run *r)
{
	return r->stopped;
}

static void run_until(struct run *r, bool (*done)(const struct run *r), unsigned ms)
{
	uint64_t now = clock_mono_ms(), end = now + ms;

	for (; !done(r) && now < end; now = clock_mono_ms()) {
		if (!dia_loop_turn(r->loop, BUDGET) && !done(r))
			dia_loop_wait(r->loop, (int)(end - now));
	}
}

static int not_connected(const struct run *r, struct err *err)
{
	if (*r->refused)
		return err_set(err, -EHOSTDOWN, "%s at %s refuses us: %s", r->peer, r->ask->bsf_address, r->refused);
	return err_set(err, -EHOSTDOWN, "no connection to %s at %s within %u ms", r->peer, r->ask->bsf_address,
		       r->ask->timeout_ms);
}

static int zn_ask_error(const struct run *r, struct err *err)
{
	switch (r->rc) {
	case 0:
		return 0;
	case -ETIMEDOUT:
		return err_set(err, -ETIMEDOUT, "no answer of %s within %u ms", r->peer, r->ask->timeout_ms);
	case -ENOTCONN:
		return err_set(err, -EHOSTDOWN, "the connection to %s was lost", r->peer);
	case -EBADMSG:
		return err_set(err, -EBADMSG, "the answer of %s cannot be read: %s", r->peer, r->trouble);
	default:
		return err_set(err, -EIO, "the request cannot be sent");
	}
}

static int ask_and_wait(struct run *r, struct err *err)
{
	const struct zn_ask *a = r->ask;
	const struct naf_bir bir = {
		.peer = r->peer,
		.realm = a->dest_realm ? a->dest_realm : a->bsf_realm,
		.host = a->no_dest_host ? NULL : a->bsf_identity,
		.btid = span_str(a->btid),
		.naf_id = &a->naf_id,
		.gsids = (const char(*)[ZN_GSID_MAX + 1]) a->gsids,
		.n_gsids = a->n_gsids,
		.gba_u_aware = a->gba_u_aware,
	};

	run_until(r, is_settled, a->timeout_ms);
	if (!r->open)
		return not_connected(r, err);
	r->rc = naf_bir_ask(r->hub, r->loop, &bir, a->timeout_ms, on_answer, r, 0);
	if (r->rc == 0) {
		r->rc = -ETIMEDOUT;
		run_until(r, is_answered, a->timeout_ms + 1000);
	}
	return zn_ask_error(r, err);
}

static void on_stopped(void *owner)
{
	((struct run *)owner)->stopped = true;
}

static void zn_ask_security(void *owner, const char *identity, const struct sockaddr *at, struct dia_hub_security *out)
{
	naf_tls_security(&((struct run *)owner)->tls, out);
}

static int zn_ask_run(struct run *r, const struct sockaddr_storage *addr, struct err *err)
{
	static const uint32_t apps[] = { GBA_APP_ZN };
	const struct dia_hub_cfg cfg = {
		.self = { r->ask->identity, r->ask->realm },
		.realms = &r->ask->realm,
		.n_realms = 1,
		.client_apps = apps,
		.n_client_apps = 1,
		.tls = r->use.ctx,
		.cb = { .event = zn_ask_on_event, .security = zn_ask_security, .owner = r },
	};
	int rc;

	r->hub = dia_hub_new(r->loop, &cfg);
	if (!r->hub || dia_hub_dial(r->hub, r->peer, addr, false) < 0)
		return err_set(err, -EIO, "no memory");
	rc = ask_and_wait(r, err);
	dia_hub_stop(r->hub, on_stopped, r);
	run_until(r, is_stopped, STOP_MS);
	return rc;
}

int zn_ask(struct zn_bia *out, const struct zn_ask *ask, struct err *err)
{
	struct run r = { .ask = ask, .peer = ask->peer ? ask->peer : ask->bsf_identity };
	struct sockaddr_storage addr;
	const char *port = naf_tls_wanted(&ask->tls) ? DIA_ADDR_PORT_TLS : DIA_ADDR_PORT;
	int rc = dia_addr_resolve(&addr, ask->bsf_address, port, err);

	if (rc == 0)
		rc = naf_tls_read(&r.tls, &ask->tls, &addr, err);
	if (rc == 0)
		rc = naf_tls_begin(&r.use, &r.tls, err);
	if (rc < 0) {
		naf_tls_clear(&r.tls);
		return -EINVAL;
	}
	r.loop = dia_loop_new();
	rc = r.loop ? zn_ask_run(&r, &addr, err) : err_set(err, -EIO, "no memory or no descriptor");
	dia_hub_free(r.hub);
	dia_loop_free(r.loop);
	naf_tls_end(&r.use);
	naf_tls_clear(&r.tls);
	if (rc == 0)
		*out = r.bia;
	else
		zn_bia_clear(&r.bia);
	OPENSSL_cleanse(&r.bia, sizeof(r.bia));
	return rc;
}
