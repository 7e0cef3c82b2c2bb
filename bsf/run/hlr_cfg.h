/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hlr_cfg.h
 *  The node "hlr": a source of vectors in the place of the hss nodes. Read at start; but for the time-out nothing is live. */
#pragma once

#include "bsf/run/cfg.h"
#include "bsf/vectors/gsup_client.h"

#define HLR_LABEL_MAX 63
#define HLR_ALONE     "since the sequence numbers of two AuCs do not know of each other"

struct bsf_hlr {
	char label[HLR_LABEL_MAX + 1];
	char name[GSUP_NAME_MAX + 1]; /* ours, as the HLR knows us */
	struct bsf_listen connect;
	bool plain;                       /* may be beyond loopback */
	char *guss_dir, *guss_path;       /* as written, absolute; NULL: none */
	struct gsup_identity *identities; /* talloc'ed */
	size_t n_identities;
	int line;
	_Atomic uint32_t timeout_s;
	_Atomic bool open; /* questions may be sent; the link says so */
};

/*! Main thread, after bsf_cfg_vty_init(). */
void hlr_cfg_vty_init(void);

/*! Is what is needed there, and no hss beside it? Vectors of two AuCs are no alternatives: each has its own sequence numbers.
 *  \returns 0; -EINVAL and the reason */
int hlr_cfg_check(const struct bsf_cfg *c, struct err *err);
