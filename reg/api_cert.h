/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_cert.h
 *  The certificate of the HTTPS side while it runs: changed without a restart by `tls reload` or SIGHUP, for connections that begin
 *  from then on (common/rt/tls_certs.h). */
#pragma once

#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <stddef.h>
#include "common/base/err.h"

/*! What connections use, and for as long as one does. */
struct api_cert {
	gnutls_certificate_credentials_t c;
	atomic_uint uses;
};

/*! \param[in] credentials taken, also on error. \returns used once; NULL and a reason in err */
struct api_cert *api_cert_of(gnutls_certificate_credentials_t credentials, struct err *err);
/*! Read the files. \returns as above */
struct api_cert *api_cert_new(struct err *err);
/*! A connection uses it: before its handshake. \returns c */
struct api_cert *api_cert_use(struct api_cert *c, gnutls_session_t session);
/*! Who used it has ended; the last one frees it. c may be NULL */
void api_cert_drop(struct api_cert *c);

/*! Main thread: when HTTPS is served, the certificate is read again when that is ordered, and its end looked at.
 *  \param[in] share gives the address i, of n, a certificate to use from now on, which it takes; called at once, too
 *  \returns 0; -EINVAL, -ENOMEM and the reason in err */
int api_cert_begin(void (*share)(size_t i, struct api_cert *c), size_t n, struct err *err);
void api_cert_end(void);
