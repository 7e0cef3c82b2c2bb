/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_link.h
 *  Inside of struct gba_naf_link: what its contexts need. It outlives a fork: the child's first question makes a node and a
 *  connection of its own. */
#pragma once

#include "common/base/err.h"
#include "common/gba/zn_msg.h"
#include "naf-lib/naf_zn.h"

/*! \param[in] d its size is checked. \returns 0; a negative: err says why */
int naf_link_make(struct gba_naf_link **out, const struct gba_naf_diameter *d, struct err *err);
struct gba_naf_link *naf_link_ref(struct gba_naf_link *l);
/*! The last one closes the connection. l may be NULL. Any process. */
void naf_link_unref(struct gba_naf_link *l);

/*! What a context asks for, beside the key. */
struct naf_gsids {
	size_t n;
	char s[ZN_GSIDS_MAX][ZN_GSID_MAX + 1];
	bool gba_u_aware;
};
/*! \returns 0; -EINVAL, err says why */
int naf_link_gsids(struct naf_gsids *out, const struct gba_naf_config *cfg, struct err *err);

/*! \param[in] g lent until the transport is closed. \returns 0; -ENOMEM */
int naf_link_transport(struct gba_naf_link *l, const struct naf_gsids *g, struct naf_transport *out);
