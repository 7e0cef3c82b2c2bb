/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file zn_codec.h
 *  BIR and BIA of Zn (TS 29.109 5.2) as messages of Diameter. */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "common/gba/zn_msg.h"

/*! Read a BIR; its peer is the connection it came on (fd_msg_source_get).
 *  \param[out] bad result to send when not 0 is returned
 *  \returns 0; -EBADMSG (causes zn_missing_avp 5005, zn_bad_avp 5004, zn_avp_repeated 5009) */
int zn_bir_decode(struct zn_bir *out, struct msg *m, struct result *bad);

/*! Client side; session id, origin, destination are added. \param[in] dest_host may be NULL */
int zn_bir_encode(struct msg **out, struct span btid, const struct naf_id *naf_id, const char (*gsids)[ZN_GSID_MAX + 1],
		  size_t n_gsids, bool gba_u_aware, const char *dest_realm, const char *dest_host);

/*! Of anything but success only the result is read.
 *  \returns 0; -EBADMSG an AVP has the wrong form, or it is no answer to its request: see dia_msg_fits(), out untouched;
 *           -ENOMEM */
int zn_bia_decode(struct zn_bia *out, struct msg *m);

/*! Turn the request in *m into its answer and fill it.
 *  \returns 0; -ENOMEM, *m is then still the request, or NULL */
int zn_bia_encode(struct msg **m, const struct zn_bia *in);
