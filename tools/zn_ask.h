/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zn_ask.h
 *  One BIR to a BSF and its answer, for the tool gba-naf: connect, ask as libgba-naf does, disconnect. */
#pragma once

#include "common/base/err.h"
#include "common/gba/zn_msg.h"
#include "naf-lib/naf_tls.h"

struct zn_ask {
	const char *identity, *realm; /* ours */
	const char *bsf_address;      /* HOST or HOST:PORT or [IPV6]:PORT */
	const char *peer;             /* who is there; NULL: bsf_identity */
	const char *bsf_identity, *bsf_realm;
	const char *dest_realm; /* NULL: bsf_realm */
	bool no_dest_host;      /* else it is bsf_identity */
	struct naf_tls_wish tls;
	const char *btid;
	struct naf_id naf_id;
	bool gba_u_aware;
	size_t n_gsids;
	char gsids[ZN_GSIDS_MAX][ZN_GSID_MAX + 1];
	unsigned timeout_ms;           /* for the connection, and again for the answer */
	void (*log)(const char *text); /* what the node tells; NULL: nobody listens */
};

/*! \param[out] out for zn_bia_clear(); its result may be any
 *  \returns 0 the BSF has answered; -EHOSTDOWN not connected; -ETIMEDOUT no answer; -EBADMSG an answer that cannot be
 *           read; -EINVAL, -EIO. err: reason */
int zn_ask(struct zn_bia *out, const struct zn_ask *ask, struct err *err);
