/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/pki_made.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "common/dia/dia_cert.h"
#include "common/dia/dia_tls.h"

#define DAY 86400

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "pki: %s\n", what);
	abort();
}

static void add_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	must(e && X509_add_ext(x, e, -1) == 1, value);
	X509_EXTENSION_free(e);
}

static void add_names(X509 *x, const struct pki_wish *w)
{
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();

	for (size_t i = 0; i < w->n_names; i++) {
		GENERAL_NAME *g = GENERAL_NAME_new();
		ASN1_IA5STRING *s = ASN1_IA5STRING_new();

		must(ASN1_STRING_set(s, w->names[i].p, (int)w->names[i].len) == 1, "name");
		GENERAL_NAME_set0_value(g, GEN_DNS, s);
		sk_GENERAL_NAME_push(all, g);
	}
	if (w->n_names)
		must(X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) == 1, "subjectAltName");
	GENERAL_NAMES_free(all);
}

static X509 *body(EVP_PKEY *key, const char *cn, long from_s, long until_s)
{
	static long serial = 1;
	X509 *x = X509_new();

	must(x != NULL, "no memory");
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ((long)getpid() << 16) + serial++);
	X509_gmtime_adj(X509_getm_notBefore(x), from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), until_s);
	X509_set_pubkey(x, key);
	if (cn)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1,
					   0);
	return x;
}

static FILE *file(const char *dir, const char *name, const char *end)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s%s", dir, name, end);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	must(fd >= 0, path);
	return fdopen(fd, "w");
}

static void save(const char *dir, const char *name, X509 *x, EVP_PKEY *key)
{
	FILE *f = file(dir, name, ".pem");

	must(PEM_write_X509(f, x) == 1, "write");
	fclose(f);
	if (!key)
		return;
	f = file(dir, name, ".key");
	must(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1, "write");
	fclose(f);
}

void pki_ca_make(struct pki_ca *ca, const char *cn)
{
	ca->key = EVP_EC_gen("P-256");
	must(ca->key != NULL, "key");
	ca->x = body(ca->key, cn, -2 * DAY, 365 * DAY);
	X509_set_issuer_name(ca->x, X509_get_subject_name(ca->x));
	add_ext(ca->x, NID_basic_constraints, "critical,CA:TRUE");
	must(X509_sign(ca->x, ca->key, EVP_sha256()) > 0, "sign");
}

void pki_ca_clear(struct pki_ca *ca)
{
	X509_free(ca->x);
	EVP_PKEY_free(ca->key);
}

void pki_ca_save(const char *dir, const char *name, const struct pki_ca *ca)
{
	save(dir, name, ca->x, NULL);
}

void pki_make(const char *dir, const char *name, const struct pki_wish *w)
{
	EVP_PKEY *key = w->rsa_bits ? EVP_RSA_gen((unsigned)w->rsa_bits) : EVP_EC_gen("P-256");
	bool usual = w->from_s == 0 && w->until_s == 0;
	X509 *x = body(key, w->cn, usual ? -3600 : w->from_s, usual ? DAY : w->until_s);

	X509_set_issuer_name(x, X509_get_subject_name(w->ca ? w->ca->x : x));
	add_names(x, w);
	if (w->usage)
		add_ext(x, NID_ext_key_usage, w->usage);
	must(X509_sign(x, w->ca ? w->ca->key : key, EVP_sha256()) > 0, "sign");
	save(dir, name, x, key);
	X509_free(x);
	EVP_PKEY_free(key);
}

SSL_CTX *pki_open(const char *dir, const char *name, const char *is_for)
{
	char cert[128], key[128], ca[128];
	const struct dia_cert_conf conf = { .certificate = cert, .key = key, .ca = ca, .name = is_for };
	struct err err = { "" };
	SSL_CTX *c;

	snprintf(cert, sizeof(cert), "%s/%s.pem", dir, name);
	snprintf(key, sizeof(key), "%s/%s.key", dir, name);
	snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
	c = dia_cert_new(&conf, &err);
	must(c != NULL, err.text);
	dia_tls_prepare(c);
	return c;
}
