/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_tls.h
 *  TLS as the way of a stream (dia_way.h): OpenSSL on a non-blocking socket. It may go from one loop to another after its
 *  handshake. Certificates and what is asked of them: dia_cert.h. */
#pragma once

#include <openssl/types.h>
#include "common/dia/dia_shakes.h"
#include "common/dia/dia_way.h"

/*! Once, before it is shared between threads: handshakes of those who come wait for their turn as dia_shakes.h has it. */
void dia_tls_prepare(SSL_CTX *ctx);

/*! \param[in] ctx of dia_cert_new(); a reference is taken. \param[in] calls we do, then dia_cert_expect() is due; else it has
 *  \param[in] shakes lent until the handshake is over; NULL: no limit \param[in] from the other side
 *  \returns new object; NULL no memory */
struct dia_way *dia_tls_new(SSL_CTX *ctx, bool calls, struct dia_shakes *shakes, const struct sockaddr_storage *from);

/*! \returns NULL: it is no TLS */
SSL *dia_tls_ssl(const struct dia_way *w);
