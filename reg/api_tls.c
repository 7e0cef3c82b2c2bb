/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include "common/base/ascii.h"
#include "common/base/regular.h"
#include "common/gba/btid.h"
#include "common/rt/cfg_file.h"
#include "reg/api_cfg.h"

#define FILE_MOST 262144 /* octets; a bundle of CAs */
#define NAME_MOST 253

/* --- our files */

static int read_whole(char **out, const char *path, bool secret, struct err *err)
{
	struct err why;
	int fd = regular_open(path, O_RDONLY, 0, &why), line = api_cfg.tls_line;
	struct stat st = { 0 };
	ssize_t n = -1;

	if (fd < 0)
		return cfg_error(err, fd, line, "api: %s", why.text);
	fstat(fd, &st);
	*out = st.st_size < FILE_MOST ? calloc(1, (size_t)st.st_size + 1) : NULL;
	if (*out)
		n = read(fd, *out, (size_t)st.st_size);
	close(fd);
	if (n != st.st_size)
		return cfg_error(err, -EIO, line, "api: %s cannot be read; allowed: PEM of less than 256 KiB", path);
	if (secret && (st.st_mode & 077))
		return cfg_error(err, -EPERM, line, "api: %s may be read by others; allowed: mode 0600 or 0400", path);
	return 0;
}

int api_tls_read(struct api_tls *out, struct err *err)
{
	int rc;

	*out = (struct api_tls){ 0 };
	rc = read_whole(&out->certificate, api_cfg.certificate.path, false, err);
	if (rc == 0)
		rc = read_whole(&out->key, api_cfg.key.path, true, err);
	if (rc == 0 && api_cfg.ca.path)
		rc = read_whole(&out->ca, api_cfg.ca.path, false, err);
	return rc;
}

void api_tls_clear(struct api_tls *t)
{
	if (t->key)
		OPENSSL_cleanse(t->key, strlen(t->key));
	free(t->certificate);
	free(t->key);
	free(t->ca);
	*t = (struct api_tls){ 0 };
}

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)text, (unsigned)strlen(text) };
}

time_t api_tls_expires(gnutls_certificate_credentials_t c)
{
	gnutls_x509_crt_t *crts;
	time_t end = -1;
	unsigned n = 0;

	if (gnutls_certificate_get_x509_crt(c, 0, &crts, &n) < 0)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		if (i == 0)
			end = gnutls_x509_crt_get_expiration_time(crts[i]);
		gnutls_x509_crt_deinit(crts[i]);
	}
	gnutls_free(crts);
	return end;
}

static int fill(gnutls_certificate_credentials_t c, const struct api_tls *t, struct err *err)
{
	gnutls_datum_t certificate = datum(t->certificate), key = datum(t->key), ca = datum(t->ca ? t->ca : "");
	int rc = gnutls_certificate_set_x509_key_mem(c, &certificate, &key, GNUTLS_X509_FMT_PEM),
	    line = api_cfg.tls_line;

	if (rc < 0)
		return cfg_error(err, -EINVAL, line, "api: tls certificate and tls key: %s", gnutls_strerror(rc));
	if (api_tls_expires(c) <= time(NULL))
		return cfg_error(err, -EINVAL, line, "api: %s: the certificate has expired", api_cfg.certificate.path);
	if (t->ca && gnutls_certificate_set_x509_trust_mem(c, &ca, GNUTLS_X509_FMT_PEM) <= 0)
		return cfg_error(err, -EINVAL, line, "api: tls ca: no certificate in it");
	return 0;
}

int api_tls_open(gnutls_certificate_credentials_t *out, struct err *err)
{
	struct api_tls t;
	int rc = api_tls_read(&t, err);

	if (rc == 0 && gnutls_certificate_allocate_credentials(out) < 0)
		rc = err_set(err, -ENOMEM, "no memory");
	else if (rc == 0) {
		rc = fill(*out, &t, err);
		if (rc < 0)
			gnutls_certificate_free_credentials(*out);
	}
	api_tls_clear(&t);
	return rc;
}

int api_tls_check(struct err *err)
{
	gnutls_certificate_credentials_t c;
	int rc = api_tls_open(&c, err);

	if (rc == 0)
		gnutls_certificate_free_credentials(c);
	return rc;
}

/* --- who is it */

static int add_name(gnutls_x509_crt_t crt, unsigned i, uint8_t proof[REG_PROOF_LEN])
{
	char name[NAME_MOST + 1];
	size_t len = sizeof(name);
	int type = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &len, NULL);

	if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return -ENOENT;
	if (type != GNUTLS_SAN_DNSNAME || len > NAME_MOST || !fqdn_valid(span_of(name, len), NAME_MOST))
		return 0; /* a NUL within it, a wildcard, an address: it stands for nobody here */
	name[len] = '\0';
	for (char *p = name; *p; p++)
		*p = (char)ascii_lower((unsigned char)*p);
	return reg_proof_of_name(proof, name) == 0 ? 1 : -EIO;
}

static int names_of(const gnutls_datum_t *der, uint8_t proofs[API_PROOFS][REG_PROOF_LEN])
{
	gnutls_x509_crt_t crt;
	int n = 0, rc = 0;

	if (gnutls_x509_crt_init(&crt) < 0)
		return -EACCES;
	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) == 0) {
		for (unsigned i = 0; rc >= 0 && n < API_PROOFS && i < 16; i++) {
			rc = add_name(crt, i, proofs[n]);
			n += rc > 0;
		}
	}
	gnutls_x509_crt_deinit(crt);
	return n ? n : -EACCES;
}

int api_tls_names(gnutls_session_t session, uint8_t proofs[API_PROOFS][REG_PROOF_LEN])
{
	gnutls_typed_vdata_st want = { GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
				       0 };
	unsigned status = ~0u, n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);

	if (!chain || !n)
		return 0;
	if (gnutls_certificate_verify_peers(session, &want, 1, &status) < 0 || status != 0)
		return -EACCES;
	return names_of(&chain[0], proofs);
}
