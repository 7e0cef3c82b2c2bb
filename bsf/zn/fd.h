/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file fd.h
 *  Zn server on the threads of the Diameter library. A BIR whose session the store has at hand is answered there at
 *  once (a hand-off costs more than the whole answer); else a shard takes it (zn/flow.h). */
#pragma once

#include "bsf/store/store.h"
#include "bsf/zn/flow.h"

struct zn_fd;

/*! \param[in] flows one per shard, lent; not used where the store is in this process, but must not be empty
 *  \returns new object, or NULL: no memory */
struct zn_fd *zn_fd_new(struct store_shared *store, struct zn_flow *const *flows, size_t n_flows);
/*! After dia_core_stop(). */
void zn_fd_free(struct zn_fd *z);

/*! After dia_core_init(), before dia_core_start(). \returns 0; -EINVAL */
int zn_fd_serve(struct zn_fd *z);

/*! One BIR, as the Diameter library hands it in (tests): dia_request_fn */
void zn_fd_request(struct msg **m, void *zn_fd);

/*! Is this Destination-Realm one of our BSF names (no case)? A NAF may take the realm from the domain of a B-TID.
 *  For dia_callbacks.realm_is_ours. \returns 0; -ENOENT */
int zn_realm_is_ours(const char *const *bsf_names, size_t n, const char *realm);
