/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file shard.h
 *  A thread that serves: own select loop, HTTP server, its part of the Diameter node, store handle, transactions. Nothing
 *  in it ever waits. */
#pragma once

#include "bsf/policy/overload.h"
#include "bsf/store/store.h"
#include "bsf/run/node.h"
#include "common/base/err.h"

struct shard;
struct gsup_link;

/*! What all shards share; lent, must outlive them. */
struct shard_env {
	struct store_shared *store;
	struct overload *overload;
	struct ub_history *history;
	struct node *node;
	struct gsup_link *gsup; /* NULL: vectors are the HSSs' */
};

/*! Start thread and servers, which listen from then on; waits until they are up.
 *  \returns new object; NULL and a reason in err */
struct shard *shard_start(unsigned no, const struct shard_env *env, struct err *err);

/*! Take no further request; what is in flight is answered 503. Returns at once. */
void shard_quiesce(struct shard *s);

/*! End the thread and free: after node_stop(), whose loops post to shards. */
void shard_end(struct shard *s);

/*! Whose keys are revoked: STORE_REVOKE_IMPI, _BTID, _NAF, each with its name, or _ALL. */
struct shard_whom {
	enum store_op op;
	const char *impi, *naf;
	const struct btid *btid;
};
/*! A thing to do with the store, on the shard's thread; for the VTY.
 *  \param[out] spread who has it; bsfs 0: there are no others
 *  \returns sessions revoked, 0 of a NAF or all; -ETIMEDOUT; -errno of the store. Waits, at most 8 s */
int shard_revoke(struct shard *s, const struct shard_whom *whom, struct store_spread *spread);

/*! store_guss(), as shard_revoke(). \param[in] guss taken \param[out] as_new sessions whose own is as new
 *  \returns sessions that have it now; as shard_revoke() */
int shard_guss(struct shard *s, const char *impi, struct guss_blob *guss, uint64_t keep_ms, unsigned *as_new);

/*! store_get(), as shard_revoke(). \param[out] out a copy if 0 is returned, else clear; gba_session_clear() it
 *  \returns 0; -ENOENT unknown, expired, revoked; as shard_revoke() */
int shard_session(struct shard *s, const struct btid *btid, struct gba_session *out);

/*! store_use_look() of what was found, as shard_revoke(). \param[out] uses 0 if 0 is not returned
 *  \returns 0; as shard_session() */
int shard_uses(struct shard *s, const struct gba_session *session, const char *naf, uint32_t *uses);
