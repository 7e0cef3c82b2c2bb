/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file zn_wire.h
 *  BIR and BIA of Zn (TS 29.109 5.2) as octets. Pure; but for the USSs of a BIA nothing is allocated. */
#pragma once

#include "common/dia/dia_build.h"
#include "common/gba/zn_msg.h"

extern const struct dia_grammar zn_wire_bir, zn_wire_bia;

/*! Read a BIR; out->peer and out->asker stay empty. The Route-Records are lent by msg.
 *  \param[in] msg       whole request, for this command (dia_local)
 *  \param[out] bad      the fault, if not 0 is returned (causes zn_missing_avp 5005, zn_bad_avp, zn_avp_repeated 5009)
 *  \param[out] read_over AVPs of Zpn and others of 3GPP that a BIR does not have; may be NULL
 *  \returns 0; -EBADMSG, out is untouched */
int zn_wire_bir_get(struct zn_bir *out, struct span msg, struct dia_fault *bad, unsigned *read_over);

/*! \param[in] btid octets of the Transaction-Identifier. \returns octets; -ENOSPC */
int zn_wire_bir_put(struct writer *w, const struct dia_address *to, struct span btid, const struct naf_id *naf_id,
		    const char (*gsids)[ZN_GSID_MAX + 1], size_t n_gsids, bool gba_u_aware);

/*! Of anything but success only the result is read.
 *  \returns 0, zn_bia_clear() it; -EBADMSG, out is untouched; -ENOMEM */
int zn_wire_bia_get(struct zn_bia *out, struct span msg);

/*! The whole answer. \param[in] request as for dia_build_answer(). \returns octets; -ENOSPC */
int zn_wire_bia_put(struct writer *w, struct span request, const struct dia_self *self, const struct zn_bia *in);
