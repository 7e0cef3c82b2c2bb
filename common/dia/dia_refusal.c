/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Who may be a peer, and why not: in words that name the cure, for our log and its. */
#include <errno.h>
#include <stdio.h>
#include "common/dia/dia_cert.h"
#include "common/dia/dia_hub_in.h"

static const struct dia_refusal unknown = { DIA_HUB_UNKNOWN, DIA_UNKNOWN_PEER,
					    "this identity is not configured here; check it, or have it added" };
static const struct dia_refusal address = {
	DIA_HUB_ADDRESS, DIA_UNKNOWN_PEER,
	"this identity belongs to another address; connect from there, or have this one added to it"
};
static const struct dia_refusal role = {
	DIA_HUB_ROLE, DIA_UNKNOWN_PEER,
	"we connect to this identity; it connects to us only where its operator here wrote may-connect"
};
static const struct dia_refusal not_now = { DIA_HUB_REFUSED, RESULT_TOO_BUSY, "its operator here has disconnected it" };
static const struct dia_refusal ourselves = { DIA_HUB_UNKNOWN, DIA_UNKNOWN_PEER, "this identity is our own" };
static const struct dia_refusal no_application = { DIA_HUB_PROTOCOL, DIA_NO_COMMON_APPLICATION,
						   "no application in common" };
static const struct dia_refusal no_security = { DIA_HUB_PROTOCOL, DIA_NO_COMMON_SECURITY, "no security in common" };
static const struct dia_refusal certificate = {
	DIA_HUB_CERTIFICATE, DIA_UNKNOWN_PEER,
	"its certificate does not name it; one whose subjectAltName has it, or tls-name for what it has"
};
static const struct dia_refusal key = {
	DIA_HUB_KEY, DIA_UNKNOWN_PEER,
	"its certificate has a public key that is none of its tls-key; one for that key, or tls-key for the one it has"
};
static const struct dia_refusal needs_tls = {
	DIA_HUB_TLS, DIA_NO_COMMON_SECURITY,
	"it has to come with TLS; where there is none its operator here may write security plain"
};
const struct dia_refusal dia_refusal_in_use = {
	DIA_HUB_IN_USE, RESULT_UNABLE_TO_COMPLY,
	"this identity has a connection already, or as many as it may have; give every process an identity of its own, or have more connections allowed"
};
const struct dia_refusal dia_refusal_no_room = { DIA_HUB_REFUSED, RESULT_TOO_BUSY, "no memory" };

static const struct dia_refusal *judge_dialled(const struct dia_conn *c, const struct dia_identity *id)
{
	if (!sockaddr_same_host(&c->from, &id->addr))
		return &address;
	return id->may_connect ? NULL : &role;
}

const struct dia_refusal *dia_refusal_of_name(const struct dia_conn *c, const char *name)
{
	const struct dia_hub *h = c->hub;
	const struct dia_identity *id = dia_identity_find(h, name);
	int rc;

	if (dia_dict_identity_cmp(span_str(name), span_str(h->cfg.self.host)) == 0)
		return &ourselves;
	if (id && id->held_off)
		return &not_now;
	rc = h->cfg.cb.admit ? h->cfg.cb.admit(h->cfg.cb.owner, name, (const struct sockaddr *)&c->from) : -ENOENT;
	if (rc == 0)
		return NULL;
	if (id && id->dial)
		return judge_dialled(c, id);
	return rc == -EPERM ? &address : &unknown;
}

/* What Inband-Security-Id says counts where there is no TLS yet. */
static const struct dia_refusal *judge_plain(const struct dia_caps *caps, enum dia_hub_protection how)
{
	if (how == DIA_HUB_BY_TLS)
		return &needs_tls;
	if (how == DIA_HUB_TLS_AFTER_CER ? !caps->tls : caps->security_offered && !caps->no_tls)
		return &no_security;
	return NULL;
}

const struct dia_refusal *dia_refusal_of_certificate(const struct dia_conn *c, const char *name,
						     const struct dia_hub_security *s)
{
	if (!dia_secure_is_of(c, name, s))
		return &certificate;
	return dia_secure_has_key(c, s) ? NULL : &key;
}

const struct dia_refusal *dia_refusal_of(struct dia_conn *c, const struct dia_caps *caps)
{
	const struct dia_refusal *no = dia_refusal_of_name(c, caps->host);
	struct dia_hub_security s = dia_secure_of(c, caps->host);
	bool tls = dia_secure_ssl(c) != NULL;

	if (!no && tls)
		no = dia_refusal_of_certificate(c, caps->host, &s);
	if (!no && !dia_base_common(&c->hub->caps, caps))
		no = &no_application;
	if (!no && !tls)
		no = judge_plain(caps, s.how);
	c->tls_follows = !tls && s.how == DIA_HUB_TLS_AFTER_CER;
	return no;
}

/* Whoever looks for what to write finds it. */
static void add_its_key(char out[DIA_REFUSAL_TEXT], const struct dia_conn *c)
{
	size_t len = strlen(out);
	char its[DIA_CERT_KEY];

	if (dia_cert_key(its, dia_secure_ssl(c)))
		snprintf(out + len, DIA_REFUSAL_TEXT - len, ": %s", its);
}

void dia_refusal_text(char out[DIA_REFUSAL_TEXT], const struct dia_conn *c, const char *name,
		      const struct dia_refusal *no)
{
	char from[SOCKADDR_TEXT];

	sockaddr_host_text(from, &c->from);
	snprintf(out, DIA_REFUSAL_TEXT, "%s from %s: %s", name, from, no->words);
	if (no == &key)
		add_its_key(out, c);
}
