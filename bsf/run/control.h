/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file control.h
 *  What gba-bsfd can be told on its control socket. Main thread. */
#pragma once

#include "bsf/run/shard.h"
#include "common/rt/ctl.h"

extern const struct ctl_command bsf_commands[];

/*! Of rt_program. */
void bsf_figures(json_t *into);

/*! Before the socket is made. Everything is lent. */
void bsf_control_init(struct store_shared *store, struct shard *const *shards);
