/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file tls_keep.h
 *  The certificates that a daemon has for Diameter, in most of them one, while it runs (tls_certs.h). Main thread. */
#pragma once

#include "common/rt/tls_cfg.h"

/*! Use ctx for what begins from now on; takes references of its own. \returns 0; -ENOMEM: some still have the former */
typedef int tls_keep_share_fn(void *owner, SSL_CTX *ctx);

/*! When what uses it runs; once for each certificate. \param[in] ctx of tls_cfg_open(c), taken; NULL: no TLS. \param[in] c, identity lent
 *  \returns 0; -ENOMEM, then it is kept as it is */
int tls_keep_begin(SSL_CTX *ctx, const struct tls_cfg *c, const char *identity, tls_keep_share_fn *share, void *owner);
/*! share() is called no more. */
void tls_keep_end(void);
