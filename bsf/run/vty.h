/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file vty.h
 *  What an operator asks and orders at the VTY. */
#pragma once

#include "bsf/run/shard.h"
#include "bsf/store/store.h"

/*! Main thread, before the VTY listens; lent until exit. */
void bsf_vty_init(struct store_shared *store, struct shard *const *shards, struct node *node);
