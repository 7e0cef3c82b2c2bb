/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/tls_keep.h"

#include <errno.h>
#include <stdlib.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/dia/dia_cert.h"
#include "common/rt/daemon.h"
#include "common/rt/log_cat.h"
#include "common/rt/tls_end.h"

struct keep {
	struct keep *next;
	const struct tls_cfg *cfg;
	const char *identity;
	SSL_CTX *ctx; /* NULL: no TLS */
	tls_keep_share_fn *share;
	void *owner;
	struct tls_end end;
};
static struct keep *keeps; /* in the order they began */

/* Takes ctx. */
static void use(struct keep *k, SSL_CTX *ctx)
{
	k->ctx = ctx;
	if (!dia_cert_own_is_for(ctx, k->identity))
		LOGT(DRT, LOGL_NOTICE, "TLS: our certificate is not for %s, so peers need to be told its name: %s\n",
		     k->identity, k->cfg->certificate);
	tls_end_begin(&k->end, dia_cert_own_expires(ctx));
}

static int reload(struct keep *k, struct err *err)
{
	SSL_CTX *ctx, *former = k->ctx;

	if (tls_cfg_open(&ctx, k->cfg, NULL, err) < 0)
		return -EINVAL;
	use(k, ctx);
	SSL_CTX_free(former);
	if (k->share(k->owner, ctx) < 0)
		return err_set(err, -ENOMEM, "no memory: some still have the former; try again");
	return 0;
}

static int reload_one(struct keep *k, struct err *err)
{
	char until[DATE_TIME_LEN + 1];
	int rc = reload(k, err);

	tls_end_text(until, &k->end);
	if (rc < 0)
		LOGT(DRT, LOGL_ERROR, "TLS: not reloaded, the former stays: %s\n", err->text);
	else
		LOGT(DRT, LOGL_NOTICE, "TLS: reloaded for new connections, until %s: %s\n", until, k->cfg->certificate);
	return rc;
}

int tls_keep_reload(struct err *err)
{
	int rc = 0;

	if (!keeps)
		return err_set(err, -ENOENT, "no certificate is configured");
	for (struct keep *k = keeps; k; k = k->next) {
		struct err why = { "" };
		int one = reload_one(k, &why);

		if (one < 0 && rc == 0)
			*err = why;
		rc = rc < 0 ? rc : one;
	}
	return rc;
}

#define TLS_STR "Certificates of Diameter over TLS\n"

DEFUN(tls_reload, tls_reload_cmd, "tls reload",
      TLS_STR
      "Read certificate, key and CAs again, for new connections; what is wrong with them leaves all as it was\n")
{
	struct err err = { "" };
	char until[DATE_TIME_LEN + 1];

	if (tls_keep_reload(&err) < 0) {
		vty_out(vty, "%% not reloaded: %s%s", err.text, VTY_NEWLINE);
		return CMD_WARNING;
	}
	for (const struct keep *k = keeps; k; k = k->next) {
		tls_end_text(until, &k->end);
		vty_out(vty, "reloaded: until %s%s", until, VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

DEFUN(show_tls, show_tls_cmd, "show tls", SHOW_STR TLS_STR)
{
	char until[DATE_TIME_LEN + 1];

	if (!keeps)
		vty_out(vty, "no certificate is configured%s", VTY_NEWLINE);
	for (const struct keep *k = keeps; k; k = k->next) {
		tls_end_text(until, &k->end);
		vty_out(vty, "certificate %s, until %s%s", k->cfg->certificate, until, VTY_NEWLINE);
		vty_out(vty, "key         %s%s", k->cfg->key, VTY_NEWLINE);
		vty_out(vty, "ca          %s%s", k->cfg->ca, VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

static void on_hangup(void)
{
	struct err err;

	if (keeps)
		(void)tls_keep_reload(&err);
}

/* \param[in] ctx taken */
static int keep_add(SSL_CTX *ctx, const struct tls_cfg *c, const char *identity, tls_keep_share_fn *share, void *owner)
{
	struct keep *k = calloc(1, sizeof(*k)), **at = &keeps;

	if (!k) {
		SSL_CTX_free(ctx);
		return -ENOMEM;
	}
	*k = (struct keep){ .cfg = c, .identity = identity, .share = share, .owner = owner };
	k->end = (struct tls_end){ .of = "TLS", .then = ", peers refuse it", .path = c->certificate };
	while (*at)
		at = &(*at)->next;
	*at = k;
	use(k, ctx);
	return 0;
}

int tls_keep_begin(SSL_CTX *ctx, const struct tls_cfg *c, const char *identity, tls_keep_share_fn *share, void *owner)
{
	static bool installed;

	if (!installed) {
		install_element(ENABLE_NODE, &tls_reload_cmd);
		install_element_ve(&show_tls_cmd);
		rt_on_hangup(on_hangup);
		installed = true;
	}
	return ctx ? keep_add(ctx, c, identity, share, owner) : 0;
}

void tls_keep_end(void)
{
	while (keeps) {
		struct keep *k = keeps;

		keeps = k->next;
		tls_end_stop(&k->end);
		SSL_CTX_free(k->ctx);
		free(k);
	}
}
