/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_cert.h
 *  The certificate of the HTTPS side while it runs: changed without a restart by `tls reload` or SIGHUP, for connections that begin
 *  from then on, and its end said in time, as that of Diameter over TLS (common/rt/tls_keep.h). */
#pragma once

#include <gnutls/gnutls.h>
#include <stddef.h>
#include "common/base/err.h"

/*! What the connections of one address use; of its thread, but for api_cert_new(). */
struct api_cert {
	gnutls_certificate_credentials_t c;
	unsigned uses;
};

/*! Read the files. \returns used once; NULL and a reason in err */
struct api_cert *api_cert_new(struct err *err);
/*! A connection uses it: before its handshake. \returns c */
struct api_cert *api_cert_use(struct api_cert *c, gnutls_session_t session);
/*! Who used it has ended; the last one frees it. c may be NULL */
void api_cert_drop(struct api_cert *c);

/*! The commands; main thread, as what follows. */
void api_cert_init(void);
/*! When HTTPS is served: SIGHUP, and the end of the certificate is looked at from now on.
 *  \param[in] share gives the address i, of n, a certificate to use from now on, which it takes; called at once, too
 *  \returns 0; -EINVAL, -ENOMEM and the reason in err */
int api_cert_begin(void (*share)(size_t i, struct api_cert *c), size_t n, struct err *err);
void api_cert_end(void);
