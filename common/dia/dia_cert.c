/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_cert.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/base/bytes.h"
#include "common/base/secret.h"
#include "common/gba/btid.h"

#define CIPHERS        "HIGH:!aNULL:!PSK:!SRP" /* of TLS 1.2; no RC4, no 3DES (RFC 6733 13.1 asks for both) */
#define SECURITY_LEVEL 2                       /* RSA from 2,048 bits on, no SHA-1 */
#define NAME_MAX_LEN   255

/* --- files */

/* Else OpenSSL's reason would be "system lib". */
static bool is_there(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	if (!file)
		err_set(err, -EACCES, "%s: %s", path, fd < 0 ? strerror(errno) : "is not a regular file");
	if (fd >= 0)
		close(fd);
	return file;
}

static const char *last_reason(void)
{
	const char *s = ERR_reason_error_string(ERR_peek_last_error());

	return s ? s : "cannot be used";
}

/* A terminal is never asked. */
static int no_passphrase(char *buf, int size, int rwflag, void *owner)
{
	*(bool *)owner = true;
	return -1;
}

static EVP_PKEY *key_from(int fd, const char *path, struct err *err)
{
	BIO *b = BIO_new_fd(fd, BIO_NOCLOSE);
	bool asked = false;
	EVP_PKEY *k = b ? PEM_read_bio_PrivateKey(b, NULL, no_passphrase, &asked) : NULL;

	BIO_free(b);
	if (!k)
		err_set(err, -EBADMSG, "%s: %s; allowed: a private key in PEM without a passphrase", path,
			asked ? "has a passphrase" : last_reason());
	return k;
}

static bool use_key(SSL_CTX *c, const struct dia_cert_conf *conf, struct err *err)
{
	char why[ERR_MAX];
	int fd = secret_open_file(conf->key, why, sizeof(why));
	EVP_PKEY *k;
	bool ok;

	if (fd < 0) {
		err_set(err, fd, "%s", why);
		return false;
	}
	k = key_from(fd, conf->key, err);
	close(fd);
	if (!k)
		return false;
	ok = SSL_CTX_use_PrivateKey(c, k) == 1 && SSL_CTX_check_private_key(c) == 1;
	EVP_PKEY_free(k);
	if (!ok)
		err_set(err, -EINVAL, "%s: is not the key of the certificate in %s", conf->key, conf->certificate);
	return ok;
}

static bool use_certificate(SSL_CTX *c, const struct dia_cert_conf *conf, struct err *err)
{
	if (!is_there(conf->certificate, err))
		return false;
	if (SSL_CTX_use_certificate_chain_file(c, conf->certificate) == 1)
		return true;
	err_set(err, -EBADMSG, "%s: %s; allowed: a certificate in PEM, with those between it and its CA behind it",
		conf->certificate, last_reason());
	return false;
}

/* Whose certificates peers may have; a client is told so that it can choose. */
static bool use_ca(SSL_CTX *c, const struct dia_cert_conf *conf, struct err *err)
{
	STACK_OF(X509_NAME) * names;

	if (!is_there(conf->ca, err))
		return false;
	names = SSL_load_client_CA_file(conf->ca);
	if (names && SSL_CTX_load_verify_file(c, conf->ca) == 1) {
		SSL_CTX_set_client_CA_list(c, names);
		return true;
	}
	sk_X509_NAME_pop_free(names, X509_NAME_free);
	err_set(err, -EBADMSG, "%s: %s; allowed: certificates of CAs in PEM", conf->ca, last_reason());
	return false;
}

/* --- names and times */

static unsigned name_flags(bool tls_cn)
{
	return X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | (tls_cn ? 0 : X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
}

static bool is_for(X509 *x, const char *name, bool tls_cn)
{
	/* 1 only: a name with a NUL gives a negative value */
	return fqdn_valid(span_str(name), NAME_MAX_LEN) &&
	       X509_check_host(x, name, strlen(name), name_flags(tls_cn), NULL) == 1;
}

static time_t time_of(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : -1;
}

static bool own_is_good(SSL_CTX *c, const struct dia_cert_conf *conf, struct err *err)
{
	X509 *x = SSL_CTX_get0_certificate(c);

	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		err_set(err, -EINVAL, "%s: the certificate has expired", conf->certificate);
	else if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		err_set(err, -EINVAL, "%s: the certificate is not valid yet", conf->certificate);
	else if (conf->name && !is_for(x, conf->name, conf->tls_cn))
		err_set(err, -EINVAL, "%s: the certificate is not for %s%s", conf->certificate, conf->name,
			conf->tls_cn ? "" : "; allowed: one with that dNSName");
	else
		return true;
	return false;
}

static bool set_up(SSL_CTX *c)
{
	SSL_CTX_set_security_level(c, SECURITY_LEVEL);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_RELEASE_BUFFERS);
	return SSL_CTX_set_num_tickets(c, 0) == 1 && SSL_CTX_set_cipher_list(c, CIPHERS) == 1 &&
	       SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 && SSL_CTX_set_max_proto_version(c, 0) == 1;
}

static SSL_CTX *build(const struct dia_cert_conf *conf, struct err *err)
{
	SSL_CTX *c = SSL_CTX_new(TLS_method());

	if (!c || !set_up(c))
		err_set(err, -ENOMEM, "TLS: %s", last_reason());
	else if (use_certificate(c, conf, err) && use_key(c, conf, err) && use_ca(c, conf, err) &&
		 own_is_good(c, conf, err))
		return c;
	SSL_CTX_free(c);
	return NULL;
}

SSL_CTX *dia_cert_new(const struct dia_cert_conf *conf, struct err *err)
{
	SSL_CTX *c = build(conf, err);

	ERR_clear_error(); /* what was no fault, too: the end of a file */
	return c;
}

bool dia_cert_names(SSL *ssl, const char *const *names, size_t n, bool tls_cn)
{
	X509 *x = SSL_get0_peer_certificate(ssl);
	bool ok = false;

	for (size_t i = 0; x && i < n && !ok; i++)
		ok = is_for(x, names[i], tls_cn);
	ERR_clear_error();
	return ok;
}

bool dia_cert_expect(SSL *ssl, const char *const *names, size_t n, bool tls_cn)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(ssl);

	X509_VERIFY_PARAM_set_hostflags(p, name_flags(tls_cn));
	for (size_t i = 0; i < n; i++)
		if (!fqdn_valid(span_str(names[i]), NAME_MAX_LEN) ||
		    X509_VERIFY_PARAM_add1_host(p, names[i], strlen(names[i])) != 1)
			return false;
	return n > 0 && SSL_set_tlsext_host_name(ssl, names[0]) == 1;
}

void dia_cert_text(char *out, size_t len, SSL *ssl)
{
	X509 *x = SSL_get0_peer_certificate(ssl);
	GENERAL_NAMES *all = x ? X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL) : NULL;
	size_t at = 0;

	out[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
		struct span s =
			g->type == GEN_DNS ? span_of(g->d.dNSName->data, (size_t)g->d.dNSName->length) : span_str("");

		for (size_t k = 0; k < s.len + 1 && s.len && at + 1 < len; k++)
			out[at++] = k == s.len ? ' ' : s.p[k] > ' ' && s.p[k] < 0x7f ? (char)s.p[k] : '?';
		out[at] = '\0';
	}
	if (at)
		out[at - 1] = '\0'; /* the last space, or what there was no room for */
	GENERAL_NAMES_free(all);
}

time_t dia_cert_expires(SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	time_t end = -1;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		time_t t = time_of(X509_get0_notAfter(sk_X509_value(chain, i)));

		if (end == -1 || (t != -1 && t < end))
			end = t;
	}
	return end;
}

time_t dia_cert_own_expires(SSL_CTX *ctx)
{
	X509 *x = SSL_CTX_get0_certificate(ctx);

	return x ? time_of(X509_get0_notAfter(x)) : -1;
}
