/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_cert.h"

#include <errno.h>
#include <stdlib.h>
#include "common/rt/tls_certs.h"
#include "reg/api_cfg.h"
#include "reg/api_tls.h"

static struct {
	void (*share)(size_t i, struct api_cert *c);
	size_t n; /* addresses */
	struct tls_cert cert;
} keep;

struct api_cert *api_cert_of(gnutls_certificate_credentials_t credentials, struct err *err)
{
	struct api_cert *c = calloc(1, sizeof(*c));

	if (!c) {
		gnutls_certificate_free_credentials(credentials);
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	c->c = credentials;
	c->uses = 1;
	return c;
}

struct api_cert *api_cert_new(struct err *err)
{
	gnutls_certificate_credentials_t credentials;

	return api_tls_open(&credentials, err) == 0 ? api_cert_of(credentials, err) : NULL;
}

struct api_cert *api_cert_use(struct api_cert *c, gnutls_session_t session)
{
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, c->c);
	c->uses++;
	return c;
}

void api_cert_drop(struct api_cert *c)
{
	if (!c || atomic_fetch_sub(&c->uses, 1) > 1)
		return;
	gnutls_certificate_free_credentials(c->c);
	free(c);
}

/* --- changed: all addresses, or none */

static int reload(void *owner, struct err *err)
{
	struct api_cert *all[API_LISTEN_MAX] = { NULL };
	size_t n = 0;

	while (n < keep.n && (all[n] = api_cert_new(err)))
		n++;
	if (n < keep.n) {
		while (n--)
			api_cert_drop(all[n]);
		return -EINVAL;
	}
	tls_certs_use(&keep.cert, api_tls_expires(all[0]->c));
	while (n--)
		keep.share(n, all[n]);
	return 0;
}

int api_cert_begin(void (*share)(size_t i, struct api_cert *c), size_t n, struct err *err)
{
	keep.share = share;
	keep.n = n;
	keep.cert = (struct tls_cert){ .of = "TLS of the API",
				       .then = "",
				       .certificate = api_cfg.certificate.path,
				       .key = api_cfg.key.path,
				       .ca = api_cfg.ca.path,
				       .reload = reload };
	return reload(NULL, err);
}

void api_cert_end(void)
{
	tls_certs_drop(&keep.cert);
}
