/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zh_flow.h
 *  Which HSS is asked, until one answers or the time is over: what waits between vectors/hss_pick.c, which decides, and
 *  vectors/zh_dia.c, which asks one. It is the struct zh_client of a shard. */
#pragma once

#include "bsf/vectors/zh_dia.h"

struct deadline_set;

struct zh_flow_cfg {
	unsigned shard;
	struct deadline_set *deadlines; /* of the shard's thread; lent */
	struct zh_dia_cfg dia;          /* done and owner are not set */
	zh_done_fn *done;
	void *owner; /* of done */
};

/*! Those asked are policy_current()'s. \returns new object owned by ctx; NULL no memory, no random numbers */
struct zh_client *zh_flow_new(void *ctx, const struct zh_flow_cfg *cfg);
/*! Nobody waits any more: done() does not come for what is under way. Before client or the deadlines are freed. client may be NULL */
void zh_flow_stop(struct zh_client *client);
