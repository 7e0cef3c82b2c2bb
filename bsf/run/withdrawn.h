/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file withdrawn.h
 *  What was true and is not any more, told to who watches the control socket (`watch`): with what is known of the applications that
 *  hold a key. Main thread. */
#pragma once

#include <jansson.h>
#include "bsf/run/shard.h"

/*! Revoke the sessions of a subscriber, or the one of a B-TID, and tell it. \param[out] spread and \returns as shard_revoke() */
int withdrawn_sessions(struct shard *s, const char *impi, struct store_spread *spread);
int withdrawn_session(struct shard *s, const struct btid *btid, struct store_spread *spread);
/*! An application gets no more keys of sessions made until now; all sessions. \returns 0; -errno as shard_revoke() */
int withdrawn_from_naf(struct shard *s, const char *fqdn, struct store_spread *spread);
int withdrawn_all(struct shard *s, struct store_spread *spread);
/*! The rights in a live session are others. */
void withdrawn_rights(const char *impi);
/*! An application server is admitted no more. */
void withdrawn_naf(const char *identity);

/*! Who got a key of this subscriber's session: btid, nafs. \returns an object; {} nobody that is known of */
json_t *withdrawn_from(const char *impi);
