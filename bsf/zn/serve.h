/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file serve.h
 *  A BIR comes in: it is read, and refused or handed to zn/flow.h. */
#pragma once

#include "bsf/store/store.h"
#include "bsf/zn/flow.h"
#include "common/dia/dia_hub.h"

/*! What serves one loop; lent, must outlive its hub. */
struct zn_serve {
	struct zn_flow *flow; /* of the same thread */
};

/*! Zn for a hub. \returns what dia_hub_cfg.services wants */
struct dia_hub_service zn_serve(struct zn_serve *z);
