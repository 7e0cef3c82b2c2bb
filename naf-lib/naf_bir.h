/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_bir.h
 *  One BIR to the BSF and its answer, on the loop of a Diameter node. What is not answered in half the time is repeated once, with
 *  T and the same End-to-End id (RFC 6733 5.5.4): a relay that has just been connected drops requests. */
#pragma once

#include "common/dia/dia_hub.h"
#include "common/gba/zn_msg.h"

#define NAF_BIR_WHY_MAX 200

/*! Lent for the call. */
struct naf_bir {
	const char *peer;         /* identity of the connection */
	const char *realm, *host; /* of the destination; host NULL: no Destination-Host */
	struct span btid;
	const struct naf_id *naf_id;
	const char (*gsids)[ZN_GSID_MAX + 1];
	size_t n_gsids;
	bool gba_u_aware;
};

/*! Once, on the loop, never within naf_bir_ask().
 *  \param[in] rc  0; -ETIMEDOUT; -ENOTCONN the connection was lost; -EBADMSG an answer that cannot be read; -ENOMEM
 *  \param[in] bia with rc 0; lent, what is taken out of it must be set to NULL
 *  \param[in] why with -EBADMSG: what came, in words */
typedef void naf_bir_fn(void *owner, uint64_t txn, int rc, struct zn_bia *bia, const char *why);

/*! \returns 0; -ENOTCONN no open connection; -EBUSY; -ENOMEM; -EMSGSIZE: done is not called then */
int naf_bir_ask(struct dia_hub *h, struct dia_loop *l, const struct naf_bir *b, uint32_t patience_ms, naf_bir_fn *done,
		void *owner, uint64_t txn);
