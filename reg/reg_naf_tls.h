/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_naf_tls.h
 *  TLS of the registry's own application (reg_naf.h): its files, and the Ua security protocol identifier of a connection. */
#pragma once

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include "common/base/err.h"
#include "common/gba/naf_id.h"

struct vty;

/*! "own-app tls certificate PATH", "own-app tls key PATH". */
void reg_naf_tls_cfg_init(int registry_node);
void reg_naf_tls_write(struct vty *vty);

/*! Is there a certificate? Else it is HTTP. */
bool reg_naf_tls_is_on(void);
/*! Are both files there, or none, and do they go together and with the name? \returns 0; -EINVAL, err: as cfg_error() */
int reg_naf_tls_verify(const char *fqdn, struct err *err);

#define REG_NAF_TLS_OPTIONS 4 /* the last is MHD_OPTION_END */

/*! The files are read, and again by `tls reload` and SIGHUP (common/rt/tls_certs.h) until reg_naf_tls_end().
 *  \param[out] out what libmicrohttpd is to be told, if there is a certificate; lent until reg_naf_tls_done()
 *  \returns 0; -EINVAL, err: as cfg_error() */
int reg_naf_tls_begin(struct MHD_OptionItem out[REG_NAF_TLS_OPTIONS], struct err *err);
/*! It has begun: the key is wiped. */
void reg_naf_tls_done(void);

/*! When it has ended. Not begun: nothing */
void reg_naf_tls_end(void);
/*! Its MHD_OPTION_NOTIFY_CONNECTION. */
void reg_naf_tls_on_connection(void *unused, struct MHD_Connection *c, void **used,
			       enum MHD_ConnectionNotificationCode code);

/*! HTTP Digest within TLS is 01 00 01 and the cipher suite (33.220 H.3). \returns false: GnuTLS does not know which suite that is */
bool reg_naf_tls_ua(uint8_t out[UA_ID_LEN], gnutls_session_t session);
