/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file pki_made.h
 *  Certificates for tests, made while they run: CAs, and what is wrong with a certificate. Aborts where OpenSSL fails. */
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include "common/base/bytes.h"

struct pki_ca {
	X509 *x;
	EVP_PKEY *key;
};

struct pki_wish {
	const struct pki_ca *ca;  /* NULL: it signs itself */
	const char *cn;           /* NULL: no subject */
	const struct span *names; /* dNSNames, octets as they are */
	size_t n_names;
	const char *usage;    /* extendedKeyUsage in OpenSSL's words; NULL: any */
	long from_s, until_s; /* from now; both 0: an hour before to a day after */
	int rsa_bits;         /* 0: P-256 */
};

void pki_ca_make(struct pki_ca *ca, const char *cn);
void pki_ca_clear(struct pki_ca *ca);

/*! dir/name.pem, dir/name.key (mode 0600). */
void pki_make(const char *dir, const char *name, const struct pki_wish *w);
/*! dir/name.pem of a CA. */
void pki_ca_save(const char *dir, const char *name, const struct pki_ca *ca);

/*! Read dir/name.pem and dir/name.key, with dir/ca.pem for the other side, ready for connections.
 *  \param[in] is_for whom it has to be for; NULL: anybody \returns the caller's */
SSL_CTX *pki_open(const char *dir, const char *name, const char *is_for);
