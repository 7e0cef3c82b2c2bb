/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_zn_fd.h
 *  Zn over Diameter (TS 29.109 clause 5): the one node of this process, shared by its contexts. */
#pragma once

#include "common/base/err.h"
#include "naf-lib/naf_zn.h"

/*! The first call starts the node, later ones join it; the last close stops it for good.
 *  \param[in] cfg with cfg->diameter
 *  \returns 0; -EINVAL bad or different configuration; -EALREADY closed before, or opened before a fork; -ENOMEM, -EIO.
 *           err: reason */
int naf_zn_fd_open(const struct gba_naf_config *cfg, struct naf_transport *out, struct err *err);
