/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zh_client_dia.h
 *  Zh over Diameter. A question goes to the loop that has the connection to its HSS, and its answer comes back to the
 *  shard; where that is one thread, neither waits in an inbox. */
#pragma once

#include "bsf/vectors/zh_client.h"
#include "common/dia/dia_hub.h"
#include "common/rt/inbox.h"

/*! How an HSS is reached. */
struct zh_via {
	struct dia_loop *loop;
	struct dia_hub *hub; /* of that loop's thread, which alone looks at it; NULL: not yet, or no more */
};

struct zh_client_dia_cfg {
	struct inbox *inbox;      /* of the shard: answers reach it through this */
	struct dia_loop *loop;    /* of the shard's own thread; NULL: it has none */
	const struct zh_via *via; /* of each HSS of bsf_cfg, in its order */
	zh_done_fn *done;
	void *owner; /* of done, and of the inbox */
};

/*! All in cfg is lent until the Diameter node has stopped.
 *  \returns new object owned by ctx; NULL no memory, no random numbers. The HSSs are those of bsf_cfg */
struct zh_client *zh_client_dia_new(void *ctx, const struct zh_client_dia_cfg *cfg);
