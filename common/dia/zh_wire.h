/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file zh_wire.h
 *  MAR and MAA of Zh (TS 29.109 4.2) as octets. Pure, nothing is allocated. */
#pragma once

#include "common/dia/dia_build.h"
#include "common/gba/zh_msg.h"

extern const struct dia_grammar zh_wire_mar, zh_wire_maa;

/*! Read a MAR. \param[in] msg whole request, for this command (dia_local)
 *  \param[out] bad the fault, if not 0 is returned. \returns 0; -EBADMSG, out is untouched */
int zh_wire_mar_get(struct zh_mar *out, struct span msg, struct dia_fault *bad);

/*! \returns octets; -ENOSPC */
int zh_wire_mar_put(struct writer *w, const struct dia_address *to, const struct zh_mar *in);

/*! Of anything but success only the result is read. A vector of another scheme is no vector. guss may be over
 *  ZH_GUSS_MAX: its reader says so.
 *  \param[out] out guss points into msg; zh_maa_clear() it
 *  \returns 0; -EBADMSG an AVP has the wrong form (zh_malformed), out is untouched. No vector at all is no error here. */
int zh_wire_maa_get(struct zh_maa *out, struct span msg);

/*! The whole answer; User-Name is copied from the request. \param[in] request as for dia_build_answer()
 *  \returns octets; -ENOSPC */
int zh_wire_maa_put(struct writer *w, struct span request, const struct dia_self *self, const struct zh_maa *in);
