/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_cert.h
 *  Certificates of a Diameter connection (RFC 6733 13.1): files to an SSL_CTX, whether a peer's certificate is for a name, until
 *  when it holds, and why a handshake failed. OpenSSL's queue of errors is empty afterwards. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <openssl/ssl.h>
#include "common/base/err.h"

#define DIA_CERT_WHY 160 /* octets with NUL, of dia_cert_why() */

/*! Files, all PEM; lent for the call. */
struct dia_cert_conf {
	const char *certificate; /* ours, then those between it and its CA, if any */
	const char *key;         /* of the first; as other files with a secret, only its owner may read it */
	const char *ca;          /* whose certificates peers may have */
	bool tls_cn;             /* where a certificate has no dNSName its CN counts */
	const char *name;        /* that our certificate must be for; NULL: any */
};

#define DIA_CERT_FILES    3
#define DIA_CERT_FILE_MAX 1048576

/*! The files read: what can still be used by who may not read them any more. */
struct dia_cert_pem {
	char *text[DIA_CERT_FILES], *path[DIA_CERT_FILES];
	size_t len[DIA_CERT_FILES];
};

/*! \param[out] out for dia_cert_clear() \param[out] err which file and why. \returns 0; -errno, out is empty */
int dia_cert_read(struct dia_cert_pem *out, const struct dia_cert_conf *conf, struct err *err);
/*! Wipe and free. */
void dia_cert_clear(struct dia_cert_pem *pem);

/*! Check and use: TLS 1.2 and above, the other side must show a certificate of ca, no session is resumed (it would be one
 *  without a certificate).
 *  \param[in] conf of it tls_cn and name
 *  \param[in] library NULL: OpenSSL's own, whose openssl.cnf holds for what is left open here; else it outlives the context
 *  \param[out] err which file, what is wrong, what is allowed
 *  \returns for any number of threads, SSL_CTX_free(); NULL */
SSL_CTX *dia_cert_make(const struct dia_cert_pem *pem, const struct dia_cert_conf *conf, OSSL_LIB_CTX *library,
		       struct err *err);

/*! All three in one, in OpenSSL's own library. */
SSL_CTX *dia_cert_new(const struct dia_cert_conf *conf, struct err *err);

/*! Is the certificate of the other side for one of these names? By dNSName, "*" for one whole label only. A name that is no
 *  host name (such as one with a leading dot, which OpenSSL takes for a wildcard's) is nobody's.
 *  \param[in] tls_cn as in dia_cert_conf */
bool dia_cert_names(SSL *ssl, const char *const *names, size_t n, bool tls_cn);
/*! The same within the handshake that we are about to begin, so that the other side is told by an alert. The first of them is
 *  also asked for (SNI). \returns false: one is no host name, or no memory */
bool dia_cert_expect(SSL *ssl, const char *const *names, size_t n, bool tls_cn);

#define DIA_CERT_KEY 72 /* octets with NUL, of dia_cert_key() */
/*! "sha256:" and the SHA-256 of the public key (SubjectPublicKeyInfo) of the other side's certificate, in hex: what stays when the
 *  certificate is renewed for the same key. \returns false: there is none, or no memory; out is "" */
bool dia_cert_key(char out[DIA_CERT_KEY], SSL *ssl);
/*! Is that the key of the other side? \param[in] keys as dia_cert_key() writes them, in either case */
bool dia_cert_has_key(SSL *ssl, const char *const *keys, size_t n);
/*! Is it written as dia_cert_key() does, in either case? */
bool dia_cert_key_valid(const char *text);

/*! The dNSNames of the other side's certificate, with a space between them, cut; what is not visible as "?". */
void dia_cert_text(char *out, size_t len, SSL *ssl);

/*! The end of the certificate of the other side, or of one above it if that is sooner. \returns wall clock; -1 there is none */
time_t dia_cert_expires(SSL *ssl);
/*! Is this one for this name, by dNSName, with the rules of dia_cert_names()? */
bool dia_cert_covers(const X509 *x, const char *name);
/*! Is our own for this name, by dNSName? */
bool dia_cert_own_is_for(SSL_CTX *ctx, const char *name);
/*! The end of our own. \returns wall clock; -1 there is none */
time_t dia_cert_own_expires(SSL_CTX *ctx);

#define DIA_CERT_SOON_S (30 * 86400) /* that a certificate ends is said so long before */
/*! Is it to be said now, once a day?
 *  \param[in,out] said_ms when it was; 0: never. \param[in] left seconds until it ends */
bool dia_cert_say_end(uint64_t *said_ms, uint64_t now_ms, time_t left);
/*! In words, that it ends in left seconds. */
void dia_cert_left(char *out, size_t len, time_t left);

/*! In words, why SSL_do_handshake(), SSL_read() or SSL_write() has failed. In TLS 1.3 a client hears only on its first read that
 *  its certificate was refused.
 *  \param[in] ssl_rc what it returned; errno still of that call */
void dia_cert_why(char *out, size_t len, SSL *ssl, int ssl_rc);
