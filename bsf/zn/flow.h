/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file flow.h
 *  A BIR: the store is asked, then it is decided and answered, all on the thread the BIR came to. Where the store has the session
 *  at hand the answer is written there and then, straight into what the connection sends. One object per shard. */
#pragma once

#include "bsf/store/store.h"
#include "common/gba/zn_msg.h"
#include "common/rt/deadline.h"

struct dia_reply;
struct zn_flow;

struct zn_flow_cfg {
	struct store_shared *store;
	struct deadline_set *deadlines; /* of this shard */
	unsigned in_flight_max;         /* `in-flight` of the configuration */
	unsigned timeout_ms;            /* of the store; then 5012 */
};

/*! On the shard's thread. \returns NULL: no memory. talloc_free() ends it, and drops what is in flight unanswered: before
 *  the hub is freed */
struct zn_flow *zn_flow_new(void *ctx, const struct zn_flow_cfg *cfg);

/*! \param[in] r the request; answered, or kept. \param[in] bir its content, with btid_ok; copied
 *  \returns 0; -EBUSY over the cap: the caller answers */
int zn_flow_take(struct zn_flow *f, struct dia_reply *r, const struct zn_bir *bir);

/*! Answer a struct dia_reply with a BIA: zn_encode_fn of zn/answer.h. */
int zn_flow_put(void *reply, const struct zn_bia *bia);

/*! How many are in flight. */
unsigned zn_flow_in_flight(const struct zn_flow *f);
