/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_tls.h
 *  TLS of the HTTPS side: our files, and whom a client certificate is for. */
#pragma once

#include <gnutls/gnutls.h>
#include <time.h>
#include "common/base/err.h"
#include "reg/api_call.h"

#define API_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

/*! The files as the library wants them, NUL-terminated. */
struct api_tls {
	char *certificate, *key, *ca; /* malloc'ed; ca NULL: none */
};

/*! The files as credentials: they can be read, the key belongs to the certificate, and that has not expired.
 *  \param[out] out for gnutls_certificate_free_credentials() \returns 0; -errno, err: as cfg_error() */
int api_tls_open(gnutls_certificate_credentials_t *out, struct err *err);
/*! The same, and nothing is kept. */
int api_tls_check(struct err *err);
/*! The end of our certificate. \returns wall clock; -1 it cannot be read */
time_t api_tls_expires(gnutls_certificate_credentials_t c);
/*! \returns 0; -errno and err; out is for api_tls_clear() in any case */
int api_tls_read(struct api_tls *out, struct err *err);
/*! The key is wiped. */
void api_tls_clear(struct api_tls *t);

/*! Whom the peer's certificate is for: it is by our CA, valid now, and one for clients (extendedKeyUsage, where it has any).
 *  \param[out] proofs of its dNSNames, lower case
 *  \returns how many; 0 it shows none; -EACCES it is not to be trusted, or has none we can use */
int api_tls_names(gnutls_session_t session, uint8_t proofs[API_PROOFS][REG_PROOF_LEN]);
