/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file http.h
 *  HTTP server of one shard: libmicrohttpd on an external epoll in the shard's select loop. Reads requests
 *  within the limits, hands them to ub_flow, sends the answers. */
#pragma once

#include "bsf/run/cfg.h"
#include "bsf/ub/flow.h"

struct ub_http;

/*! On the shard's thread. Listens at once where bsf_cfg says.
 *  \returns new object owned by ctx (talloc_free() after ub_http_stop()); NULL and a reason in err */
struct ub_http *ub_http_new(void *ctx, struct deadline_set *deadlines, struct err *err);
/*! Before the first turn of the loop.
 *  \param[in] others called now and then within a turn, so that others on this thread do not wait until all that is ready is
 *  served; it may call ub_http_answered() */
void ub_http_set_flow(struct ub_http *h, struct ub_flow *flow, void (*others)(void *owner), void *owner);

/*! For ub_flow_env: owner is the ub_http. */
void ub_http_answered(void *ub_http, struct ub_run *run);

/*! After each round of the select loop: let the library work if there is something to do. */
void ub_http_turn(struct ub_http *h);
/*! \returns a descriptor that is readable when requests have come on open connections; to look at, not to read */
int ub_http_fd(const struct ub_http *h);
/*! \returns true: there is something to do without waiting */
bool ub_http_due(const struct ub_http *h);

/*! Take no new connection and no new request. */
void ub_http_quiesce(struct ub_http *h);
/*! Close all; every run must have ended before. */
void ub_http_stop(struct ub_http *h);
