/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file flow.h
 *  A BIR whose session is in another process: a shard asks the store, then decides and answers. One object per
 *  shard. */
#pragma once

#include "bsf/store/store.h"
#include "common/dia/zn_codec.h"
#include "common/rt/deadline.h"

struct zn_flow;

struct zn_flow_cfg {
	struct store_shared *store;
	struct deadline_set *deadlines; /* of this shard */
	unsigned in_flight_max;         /* `in-flight` of the configuration */
	unsigned timeout_ms;            /* of the store; then 5012 */
	/*! Sends an answer, takes *m on success: dia_tx_answer(). */
	int (*send)(struct msg **m);
};

/*! On the shard's thread. \returns NULL: no memory or no descriptor. talloc_free() ends it and what is in flight,
 *  unanswered */
struct zn_flow *zn_flow_new(void *ctx, const struct zn_flow_cfg *cfg);

/*! Any thread. \param[in,out] m taken on success
 *  \param[in] bir its content, with btid_ok; copied. \returns 0; -EBUSY over the cap: the caller answers */
int zn_flow_post(struct zn_flow *f, struct msg **m, const struct zn_bir *bir);

/*! How many are in flight. */
unsigned zn_flow_in_flight(struct zn_flow *f);
