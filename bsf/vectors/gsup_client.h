/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file gsup_client.h
 *  Vectors from an HLR, in the place that TS 33.220 gives to Zh'; the protocol is GSUP, not MAP. One object per shard, a struct
 *  zh_client to who asks. An HLR has no GUSS: that comes from a folder (gsup_guss.h). */
#pragma once

#include "bsf/vectors/gsup_link.h"
#include "bsf/vectors/zh_client.h"

/*! An IMPI that does not show its IMSI. */
struct gsup_identity {
	struct impi impi;
	char imsi[GSUP_IMSI_MAX + 1];
};

struct gsup_client_cfg {
	struct gsup_link *link;
	struct inbox *inbox;  /* of the shard: answers reach it through this */
	const char *label;    /* of the HLR, for logs */
	const char *guss_dir; /* NULL: nobody has a GUSS */
	const struct gsup_identity *identities;
	size_t n_identities;
	const _Atomic uint32_t *timeout_s;
	zh_done_fn *done;
	void *owner; /* of done */
};

/*! All in cfg is lent. \returns new object owned by ctx; NULL no memory */
struct zh_client *gsup_client_new(void *ctx, const struct gsup_client_cfg *cfg);

/*! The IMSI of an IMPI: of the table; else the user part, where the domain is the one that is made of it (TS 23.003 13.3).
 *  \returns 0; -ENOENT */
int gsup_client_imsi(char out[GSUP_IMSI_MAX + 1], const struct gsup_client_cfg *cfg, const char *impi);
