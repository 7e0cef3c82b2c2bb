/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The TLS of a connection: who needs it, when it begins, whose certificate it must be. */
#include <errno.h>
#include <stdio.h>
#include <openssl/ssl.h>
#include "common/base/clock.h"
#include "common/base/owner_of.h"
#include "common/dia/dia_cert.h"
#include "common/dia/dia_cover.h"
#include "common/dia/dia_hub_in.h"
#include "common/dia/dia_tls.h"

#define LOOK_MS 3600000ULL /* the wall clock may be set meanwhile */

struct dia_hub_security dia_secure_of(const struct dia_conn *c, const char *name)
{
	const struct dia_hub_callbacks *cb = &c->hub->cfg.cb;
	struct dia_hub_security s = { .how = DIA_HUB_PLAIN };

	if (cb->security)
		cb->security(cb->owner, name, (const struct sockaddr *)&c->from, &s);
	if (s.n_keys && s.how != DIA_HUB_TLS_AFTER_CER)
		s.how = DIA_HUB_BY_TLS;
	if (s.how == DIA_HUB_BEYOND_LOOPBACK)
		s.how = sockaddr_is_loopback(&c->from) ? DIA_HUB_PLAIN : DIA_HUB_BY_TLS;
	return s;
}

SSL *dia_secure_ssl(const struct dia_conn *c)
{
	return dia_tls_ssl(c->s.way);
}

/* Whom we call is judged within the handshake: so it is told by an alert. */
static bool expect(const struct dia_conn *c, const struct dia_way *w)
{
	struct dia_hub_security s = dia_secure_of(c, c->id->name);
	const char *const own[] = { c->id->name };

	return dia_cert_expect(dia_tls_ssl(w), s.n_names ? s.names : own, s.n_names ? s.n_names : 1, s.cn);
}

void dia_secure_begin(struct dia_conn *c)
{
	struct dia_hub *h = c->hub;
	struct dia_way *w = h->cfg.tls ? dia_tls_new(h->cfg.tls, c->dialled, &h->shakes, &c->from) : NULL;

	if (w && (!c->dialled || expect(c, w))) {
		dia_stream_way(&c->s, w, false);
		return;
	}
	if (w)
		w->ops->free(w);
	if (c->id && !h->cfg.tls)
		dia_hub_tell(h, DIA_HUB_TLS, c->id->name, "it needs TLS, and there is no certificate of ours");
	if (c->id)
		dia_conn_fail(c, h->cfg.tls ? -ENOMEM : -ENOKEY);
	else
		dia_conn_end(c, true, "no memory, or no certificate of ours, for TLS");
}

bool dia_secure_is_of(const struct dia_conn *c, const char *name, const struct dia_hub_security *s)
{
	const char *const own[] = { name };
	SSL *ssl = dia_secure_ssl(c);

	return ssl && dia_cert_names(ssl, s->n_names ? s->names : own, s->n_names ? s->n_names : 1, s->cn);
}

bool dia_secure_has_key(const struct dia_conn *c, const struct dia_hub_security *s)
{
	SSL *ssl = dia_secure_ssl(c);

	return !s->n_keys || (ssl && dia_cert_has_key(ssl, s->keys, s->n_keys));
}

bool dia_secure_holds(const struct dia_conn *c)
{
	struct dia_hub_security s = dia_secure_of(c, c->id->name);

	if (!dia_secure_ssl(c))
		return s.how == DIA_HUB_PLAIN || (s.how == DIA_HUB_TLS_AFTER_CER && c->tls_follows);
	if (c->dialled && s.how == DIA_HUB_PLAIN)
		return false;
	return dia_secure_is_of(c, c->id->name, &s) && dia_secure_has_key(c, &s);
}

/* Until when. */

static void warn_of_end(struct dia_conn *c, time_t left)
{
	char text[80];

	if (!dia_cert_say_end(&c->warned_ms, dia_hub_now(c->hub), left))
		return;
	dia_cert_left(text, sizeof(text), left);
	dia_hub_tell(c->hub, DIA_HUB_EXPIRES, c->id->name, text);
}

/* 13.1: who is not certified any more is not spoken to; it may come back with another certificate. */
static void on_expiry(struct dia_timer *t)
{
	struct dia_conn *c = owner_of(t, struct dia_conn, expiry);
	time_t end = dia_cert_expires(dia_secure_ssl(c)), left = end - (time_t)(clock_wall_ms() / 1000);

	if (!c->id || end == -1)
		return;
	if (left > 0) {
		warn_of_end(c, left);
		dia_loop_timer(c->hub->loop, t, (uint64_t)left * 1000 < LOOK_MS ? (uint64_t)left * 1000 : LOOK_MS);
		return;
	}
	c->why = "its certificate, or one above it, has expired";
	dia_hub_tell(c->hub, DIA_HUB_EXPIRES, c->id->name, c->why);
	dia_identity_happens(c, DIA_ON_EXPIRED, DIA_REBOOTING);
}

void dia_secure_watch(struct dia_conn *c)
{
	c->expiry.on_time = on_expiry;
	if (dia_secure_ssl(c))
		dia_loop_timer(c->hub->loop, &c->expiry, 0);
}

bool dia_secure_covers(struct dia_conn *c, bool own, const char *name)
{
	SSL *ssl = dia_secure_ssl(c);
	const X509 *x = !ssl ? NULL : own ? SSL_get_certificate(ssl) : SSL_get0_peer_certificate(ssl);

	return x && dia_cover_get(&c->cover, x, name);
}

void dia_secure_figures(const struct dia_conn *c, struct dia_hub_peer_figures *f)
{
	SSL *ssl = dia_secure_ssl(c);

	_Static_assert(sizeof(f->key) == DIA_CERT_KEY, "dia_hub.h does without OpenSSL");
	f->tls[0] = f->names[0] = f->key[0] = '\0';
	if (!ssl)
		return;
	snprintf(f->tls, sizeof(f->tls), "%s", SSL_get_version(ssl));
	dia_cert_text(f->names, sizeof(f->names), ssl);
	(void)dia_cert_key(f->key, ssl);
}
