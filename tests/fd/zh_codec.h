/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file zh_codec.h
 *  MAR and MAA of Zh (TS 29.109 4.2) as messages of Diameter. */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "common/gba/zh_msg.h"

/*! Read a MAR (parsed against the dictionary).
 *  \param[out] bad result to send when not 0 is returned (5005, 5004 with the AVP named)
 *  \returns 0; -EBADMSG */
int zh_mar_decode(struct zh_mar *out, struct msg *m, struct result *bad);

/*! Put the AVPs of in into a new MAR.
 *  \param[in] dest_host may be NULL. \returns 0 and a message the caller owns; -ENOMEM */
int zh_mar_encode(struct msg **out, const struct zh_mar *in, const char *dest_realm, const char *dest_host);

/*! Of anything but success only the result is read. A vector of another scheme is no vector. guss may be over
 *  ZH_GUSS_MAX: its reader says so.
 *  \returns 0; -EBADMSG an AVP has the wrong form, or it is no answer to its request: see dia_msg_fits(); another
 *           User-Name (zh_malformed), out untouched. No vector at all is no error here. */
int zh_maa_decode(struct zh_maa *out, struct msg *m);

/*! Turn the request in *m into its answer and fill it; User-Name is copied from the request.
 *  \returns 0; -ENOMEM, *m is then still the request, or NULL */
int zh_maa_encode(struct msg **m, const struct zh_maa *in);
