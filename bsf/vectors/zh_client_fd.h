/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zh_client_fd.h
 *  Zh over freeDiameter. */
#pragma once

#include "bsf/vectors/zh_client.h"
#include "common/rt/inbox.h"

/*! \param[in] inbox of the shard: answers reach it through this; must live until the Diameter node has stopped
 *  \param[in] owner for done
 *  \returns new object owned by ctx, or NULL. The HSSs are those of bsf_cfg */
struct zh_client *zh_client_fd_new(void *ctx, struct inbox *inbox, zh_done_fn *done, void *owner);
