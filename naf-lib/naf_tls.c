/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/sockaddr.h"
#include "common/dia/dia_tls.h"
#include "common/gba/btid.h"

#define HOST_NAME_MAX_LEN 253

bool naf_tls_wanted(const struct naf_tls_wish *w)
{
	return w->certificate || w->key || w->ca;
}

static int check_wish(const struct naf_tls_wish *w, const struct sockaddr_storage *to, struct err *err)
{
	char where[SOCKADDR_TEXT];

	if (!naf_tls_wanted(w)) {
		sockaddr_host_text(where, to);
		if (w->name || w->cn)
			return err_set(err, -EINVAL, "tls_name and tls_cn need TLS: certificate, key and ca");
		if (!w->plain && !sockaddr_is_loopback(to))
			return err_set(err, -EINVAL,
				       "%s is not of this host: allowed is TLS (certificate, key and ca), or plain, "
				       "which says that whoever is on the way may read the keys",
				       where);
		return 0;
	}
	if (!w->certificate || !w->key || !w->ca)
		return err_set(err, -EINVAL, "certificate, key and ca belong together");
	if (w->plain)
		return err_set(err, -EINVAL, "plain and TLS (certificate, key, ca) exclude each other");
	if (w->name && !fqdn_valid(span_str(w->name), HOST_NAME_MAX_LEN))
		return err_set(err, -EINVAL, "tls_name \"%.100s\" is no host name", w->name);
	return 0;
}

static int read_files(struct naf_tls *out, const struct naf_tls_wish *w, struct err *err)
{
	const struct dia_cert_conf conf = { .certificate = w->certificate, .key = w->key, .ca = w->ca };
	struct naf_tls_use trial;
	int rc = dia_cert_read(&out->pem, &conf, err);

	if (rc < 0)
		return rc;
	out->on = true;
	out->cn = w->cn;
	out->name = w->name ? strdup(w->name) : NULL;
	out->names[0] = out->name;
	rc = w->name && !out->name ? err_set(err, -ENOMEM, "no memory") : naf_tls_begin(&trial, out, err);
	if (rc < 0)
		naf_tls_clear(out);
	else
		naf_tls_end(&trial);
	return rc;
}

int naf_tls_read(struct naf_tls *out, const struct naf_tls_wish *w, const struct sockaddr_storage *to, struct err *err)
{
	int rc = check_wish(w, to, err);

	*out = (struct naf_tls){ 0 };
	return rc < 0 || !naf_tls_wanted(w) ? rc : read_files(out, w, err);
}

void naf_tls_clear(struct naf_tls *t)
{
	struct naf_tls *older = t->older;

	dia_cert_clear(&t->pem);
	free(t->name);
	*t = (struct naf_tls){ 0 };
	if (older)
		naf_tls_clear(older);
	free(older);
}

struct naf_tls *naf_tls_again(const struct naf_tls *t, struct err *err)
{
	const struct naf_tls_wish w = {
		.certificate = t->pem.path[0], .key = t->pem.path[1], .ca = t->pem.path[2], .name = t->name, .cn = t->cn
	};
	struct naf_tls *again = calloc(1, sizeof(*again));

	if (!again)
		err_set(err, -ENOMEM, "no memory");
	else if (read_files(again, &w, err) == 0)
		return again;
	free(again);
	return NULL;
}

SSL_CTX *naf_tls_other(const struct naf_tls_use *u, const struct naf_tls *t, struct err *err)
{
	const struct dia_cert_conf conf = { .tls_cn = t->cn };
	SSL_CTX *ctx = dia_cert_make(&t->pem, &conf, u->library, err);

	if (ctx)
		dia_tls_prepare(ctx);
	return ctx;
}

int naf_tls_begin(struct naf_tls_use *out, const struct naf_tls *t, struct err *err)
{
	*out = (struct naf_tls_use){ 0 };
	if (!t->on)
		return 0;
	out->library = OSSL_LIB_CTX_new();
	if (!out->library)
		return err_set(err, -ENOMEM, "no memory");
	out->ctx = naf_tls_other(out, t, err);
	if (out->ctx)
		return 0;
	naf_tls_end(out);
	return -EINVAL;
}

void naf_tls_end(struct naf_tls_use *u)
{
	SSL_CTX_free(u->ctx);
	OSSL_LIB_CTX_free(u->library);
	*u = (struct naf_tls_use){ 0 };
}

void naf_tls_security(const struct naf_tls *t, struct dia_hub_security *out)
{
	if (!t->on)
		return;
	*out = (struct dia_hub_security){
		.how = DIA_HUB_BY_TLS, .names = t->names, .n_names = t->name ? 1 : 0, .cn = t->cn
	};
}
