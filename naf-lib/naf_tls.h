/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_tls.h
 *  TLS towards a BSF: what an application asks for, and what a connection has of it. Each process has an OpenSSL library of its
 *  own, whose locks nobody held at a fork; files are read once, for a child may not read them any more. */
#pragma once

#include "common/dia/dia_cert.h"
#include "common/dia/dia_hub.h"

/*! As an application writes it; lent. */
struct naf_tls_wish {
	const char *certificate, *key, *ca; /* all of them, or none: no TLS */
	const char *name;                   /* in the certificate of the other side; NULL: its identity */
	bool cn;                            /* its CN counts where it has no dNSName */
	bool plain;                         /* no TLS although it leads beyond this host */
};

/*! \returns false: no TLS is asked for */
bool naf_tls_wanted(const struct naf_tls_wish *w);

struct naf_tls {
	struct dia_cert_pem pem;
	char *name; /* NULL: its identity */
	const char *names[1];
	bool on, cn;
	struct naf_tls *older; /* what it has taken the place of: another thread may be reading it, so it stays */
};

/*! Read and check; plain is for this host alone unless said.
 *  \param[in] to where the connection leads \param[in] us our identity, which the certificate must have
 *  \param[out] err "certificate", "key", "ca", "tls_name" and "plain" are what it names
 *  \returns 0, for naf_tls_clear(); -EINVAL and others, out is empty */
int naf_tls_read(struct naf_tls *out, const struct naf_tls_wish *w, const struct sockaddr_storage *to, struct err *err);
/*! Of `older`, too. */
void naf_tls_clear(struct naf_tls *t);

/*! The same files once more. \returns malloc'ed, for naf_tls_clear() and free(); NULL, err says why */
struct naf_tls *naf_tls_again(const struct naf_tls *t, struct err *err);

/*! Of one process. */
struct naf_tls_use {
	OSSL_LIB_CTX *library;
	SSL_CTX *ctx; /* NULL: no TLS */
};
/*! \returns 0; -EINVAL, err says why: out is empty */
int naf_tls_begin(struct naf_tls_use *out, const struct naf_tls *t, struct err *err);
/*! One more context of this process, of other files. \returns for SSL_CTX_free(); NULL, err says why */
SSL_CTX *naf_tls_other(const struct naf_tls_use *u, const struct naf_tls *t, struct err *err);
/*! When no connection is left. */
void naf_tls_end(struct naf_tls_use *u);

/*! For dia_hub_callbacks.security. */
void naf_tls_security(const struct naf_tls *t, struct dia_hub_security *out);
