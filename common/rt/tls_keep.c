/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/tls_keep.h"

#include <errno.h>
#include <stdlib.h>
#include "common/dia/dia_cert.h"
#include "common/rt/log_cat.h"
#include "common/rt/tls_certs.h"

struct keep {
	struct tls_cert cert;
	struct keep *next;
	const struct tls_cfg *cfg;
	const char *identity;
	SSL_CTX *ctx;
	tls_keep_share_fn *share;
	void *owner;
};
static struct keep *keeps;

/* Takes ctx. */
static void keep_use(struct keep *k, SSL_CTX *ctx)
{
	k->ctx = ctx;
	if (!dia_cert_own_is_for(ctx, k->identity))
		LOGT(DRT, LOGL_NOTICE, "TLS: our certificate is not for %s, so peers need to be told its name: %s\n",
		     k->identity, k->cfg->certificate);
	tls_certs_use(&k->cert, dia_cert_own_expires(ctx));
}

static int keep_reload(void *keep, struct err *err)
{
	struct keep *k = keep;
	SSL_CTX *ctx, *former = k->ctx;

	if (tls_cfg_open(&ctx, k->cfg, NULL, err) < 0)
		return -EINVAL;
	keep_use(k, ctx);
	SSL_CTX_free(former);
	if (k->share(k->owner, ctx) < 0)
		return err_set(err, -ENOMEM, "no memory: some still have the former; try again");
	return 0;
}

/* \param[in] ctx taken */
static int keep_add(SSL_CTX *ctx, const struct tls_cfg *c, const char *identity, tls_keep_share_fn *share, void *owner)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (!k) {
		SSL_CTX_free(ctx);
		return -ENOMEM;
	}
	*k = (struct keep){ .next = keeps, .cfg = c, .identity = identity, .share = share, .owner = owner };
	k->cert = (struct tls_cert){ .of = "TLS",
				     .then = ", peers refuse it",
				     .certificate = c->certificate,
				     .key = c->key,
				     .ca = c->ca,
				     .reload = keep_reload,
				     .owner = k };
	keeps = k;
	keep_use(k, ctx);
	return 0;
}

int tls_keep_begin(SSL_CTX *ctx, const struct tls_cfg *c, const char *identity, tls_keep_share_fn *share, void *owner)
{
	tls_certs_init();
	return ctx ? keep_add(ctx, c, identity, share, owner) : 0;
}

void tls_keep_end(void)
{
	while (keeps) {
		struct keep *k = keeps;

		keeps = k->next;
		tls_certs_drop(&k->cert);
		SSL_CTX_free(k->ctx);
		free(k);
	}
}
