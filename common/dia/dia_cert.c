/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_cert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/base/bytes.h"
#include "common/base/hex.h"
#include "common/base/regular.h"
#include "common/base/secret.h"
#include "common/gba/btid.h"

#define CIPHERS         "HIGH:!aNULL:!PSK:!SRP" /* of TLS 1.2; no RC4, no 3DES (RFC 6733 13.1 asks for both) */
#define SECURITY_LEVEL  2                       /* RSA from 2,048 bits on, no SHA-1 */
#define CAS_BETWEEN_MAX 8                       /* each costs a signature to look at */
#define NAME_MAX_LEN    255

enum { CERTIFICATE, KEY, CA };

/* --- files */

static int open_one(const char *path, bool is_key, struct err *err)
{
	char why[ERR_MAX];
	int fd = is_key ? secret_open_file(path, why, sizeof(why)) : regular_open(path, O_RDONLY, 0, err);

	return fd < 0 && is_key ? err_set(err, fd, "%s", why) : fd;
}

static int read_pem(struct dia_cert_pem *out, int i, int fd, struct err *err)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %s", out->path[i], strerror(errno));
	if (st.st_size > DIA_CERT_FILE_MAX)
		return err_set(err, -E2BIG, "%s: at most %d octets", out->path[i], DIA_CERT_FILE_MAX);
	out->text[i] = malloc((size_t)st.st_size + 1);
	n = out->text[i] ? read(fd, out->text[i], (size_t)st.st_size) : -1;
	if (n < 0)
		return err_set(err, -EIO, "%s: %s", out->path[i], strerror(errno));
	out->len[i] = (size_t)n;
	return 0;
}

int dia_cert_read(struct dia_cert_pem *out, const struct dia_cert_conf *conf, struct err *err)
{
	const char *const paths[DIA_CERT_FILES] = { conf->certificate, conf->key, conf->ca };
	int rc = 0;

	*out = (struct dia_cert_pem){ 0 };
	for (int i = 0; rc == 0 && i < DIA_CERT_FILES; i++) {
		int fd = open_one(paths[i], i == KEY, err);

		out->path[i] = strdup(paths[i]);
		rc = fd < 0 || !out->path[i] ? -EACCES : read_pem(out, i, fd, err);
		if (fd >= 0)
			close(fd);
	}
	if (rc < 0)
		dia_cert_clear(out);
	return rc;
}

void dia_cert_clear(struct dia_cert_pem *pem)
{
	for (int i = 0; i < DIA_CERT_FILES; i++) {
		if (pem->text[i])
			OPENSSL_cleanse(pem->text[i], pem->len[i]);
		free(pem->text[i]);
		free(pem->path[i]);
	}
	*pem = (struct dia_cert_pem){ 0 };
}

/* --- from PEM */

struct making {
	const struct dia_cert_pem *pem;
	OSSL_LIB_CTX *library;
	SSL_CTX *ctx;
	struct err *err;
};

static bool bad_file(const struct making *m, int file, const char *allowed)
{
	const char *s = ERR_reason_error_string(ERR_peek_last_error());

	err_set(m->err, -EBADMSG, "%s: %s%s%s", m->pem->path[file], s ? s : "cannot be used",
		*allowed ? "; allowed: " : "", allowed);
	return false;
}

/* Each certificate of a file. \returns how many; -1 use() refused one, or one cannot be read */
static int each(const struct making *m, int file, bool (*use)(const struct making *m, int i, X509 *x))
{
	BIO *b = BIO_new_mem_buf(m->pem->text[file], (int)m->pem->len[file]);
	bool ok = true;
	X509 *x;
	int n = 0;

	do {
		x = X509_new_ex(m->library, NULL);
		if (!PEM_read_bio_X509(b, &x, NULL, NULL))
			break;
		ok = use(m, n++, x);
		X509_free(x);
		x = NULL;
	} while (ok);
	X509_free(x);
	BIO_free(b);
	if (ok && n && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
		ERR_clear_error(); /* the end of the file */
	return ok && !ERR_peek_error() ? n : -1;
}

static bool add_own(const struct making *m, int i, X509 *x)
{
	return i ? SSL_CTX_add1_chain_cert(m->ctx, x) == 1 : SSL_CTX_use_certificate(m->ctx, x) == 1;
}

/* A client is told which CAs we know, so that it can choose. */
static bool add_ca(const struct making *m, int i, X509 *x)
{
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(m->ctx), x) == 1 && SSL_CTX_add_client_CA(m->ctx, x) == 1;
}

static bool use_certificates(const struct making *m)
{
	if (each(m, CERTIFICATE, add_own) <= 0)
		return bad_file(m, CERTIFICATE, "a certificate in PEM, with those between it and its CA behind it");
	if (each(m, CA, add_ca) <= 0)
		return bad_file(m, CA, "certificates of CAs in PEM");
	return true;
}

/* A terminal is never asked. */
static int no_passphrase(char *buf, int size, int rwflag, void *owner)
{
	*(bool *)owner = true;
	return -1;
}

static bool use_key(const struct making *m)
{
	BIO *b = BIO_new_mem_buf(m->pem->text[KEY], (int)m->pem->len[KEY]);
	bool asked = false, ok;
	EVP_PKEY *k = PEM_read_bio_PrivateKey_ex(b, NULL, no_passphrase, &asked, m->library, NULL);

	BIO_free(b);
	if (!k && asked)
		err_set(m->err, -EBADMSG, "%s: has a passphrase; allowed: a private key in PEM without one",
			m->pem->path[KEY]);
	else if (!k)
		bad_file(m, KEY, "a private key in PEM without a passphrase");
	if (!k)
		return false;
	ok = SSL_CTX_use_PrivateKey(m->ctx, k) == 1 && SSL_CTX_check_private_key(m->ctx) == 1;
	EVP_PKEY_free(k);
	if (!ok)
		err_set(m->err, -EINVAL, "%s: is not the key of the certificate in %s", m->pem->path[KEY],
			m->pem->path[CERTIFICATE]);
	return ok;
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

static bool own_is_good(const struct making *m, const struct dia_cert_conf *conf)
{
	X509 *x = SSL_CTX_get0_certificate(m->ctx);
	const char *path = m->pem->path[CERTIFICATE];

	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		err_set(m->err, -EINVAL, "%s: the certificate has expired", path);
	else if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		err_set(m->err, -EINVAL, "%s: the certificate is not valid yet", path);
	else if (conf->name && !is_for(x, conf->name, conf->tls_cn))
		err_set(m->err, -EINVAL, "%s: the certificate is not for %s%s", path, conf->name,
			conf->tls_cn ? "" : "; allowed: one with that dNSName");
	else
		return true;
	return false;
}

static bool set_up(SSL_CTX *c)
{
	SSL_CTX_set_security_level(c, SECURITY_LEVEL);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_verify_depth(c, CAS_BETWEEN_MAX);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_RELEASE_BUFFERS);
	return SSL_CTX_set_num_tickets(c, 0) == 1 && SSL_CTX_set_cipher_list(c, CIPHERS) == 1 &&
	       SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 && SSL_CTX_set_max_proto_version(c, 0) == 1;
}

SSL_CTX *dia_cert_make(const struct dia_cert_pem *pem, const struct dia_cert_conf *conf, OSSL_LIB_CTX *library,
		       struct err *err)
{
	struct making m = { pem, library, SSL_CTX_new_ex(library, NULL, TLS_method()), err };
	bool ok = false;

	ERR_clear_error();
	if (!m.ctx || !set_up(m.ctx))
		err_set(err, -ENOMEM, "TLS: no memory");
	else
		ok = use_certificates(&m) && use_key(&m) && own_is_good(&m, conf);
	ERR_clear_error();
	if (ok)
		return m.ctx;
	SSL_CTX_free(m.ctx);
	return NULL;
}

SSL_CTX *dia_cert_new(const struct dia_cert_conf *conf, struct err *err)
{
	struct dia_cert_pem pem;
	SSL_CTX *c;

	if (dia_cert_read(&pem, conf, err) < 0)
		return NULL;
	c = dia_cert_make(&pem, conf, NULL, err);
	dia_cert_clear(&pem);
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

/* --- its key */

#define KEY_PREFIX "sha256:"

bool dia_cert_key(char out[DIA_CERT_KEY], SSL *ssl)
{
	X509 *x = SSL_get0_peer_certificate(ssl);
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	int len = x ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der) : -1;
	unsigned n = 0;
	bool ok = len > 0 && EVP_Digest(der, (size_t)len, digest, &n, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	strcpy(out, ok ? KEY_PREFIX : "");
	if (ok)
		(void)hex_encode(out + strlen(KEY_PREFIX), DIA_CERT_KEY - strlen(KEY_PREFIX), digest, n);
	ERR_clear_error();
	return ok;
}

bool dia_cert_has_key(SSL *ssl, const char *const *keys, size_t n)
{
	char its[DIA_CERT_KEY];
	bool has = dia_cert_key(its, ssl), ok = false;

	for (size_t i = 0; has && i < n && !ok; i++)
		ok = span_ieq(span_str(keys[i]), span_str(its));
	return ok;
}

bool dia_cert_key_valid(const char *text)
{
	const size_t at = strlen(KEY_PREFIX);

	return strlen(text) == DIA_CERT_KEY - 1 && strncmp(text, KEY_PREFIX, at) == 0 &&
	       strspn(text + at, "0123456789abcdefABCDEF") == DIA_CERT_KEY - 1 - at;
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

bool dia_cert_covers(const X509 *x, const char *name)
{
	bool ok = is_for((X509 *)x, name, false);

	ERR_clear_error();
	return ok;
}

bool dia_cert_own_is_for(SSL_CTX *ctx, const char *name)
{
	return dia_cert_covers(SSL_CTX_get0_certificate(ctx), name);
}

time_t dia_cert_own_expires(SSL_CTX *ctx)
{
	X509 *x = SSL_CTX_get0_certificate(ctx);

	return x ? time_of(X509_get0_notAfter(x)) : -1;
}
