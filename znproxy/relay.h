/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file relay.h
 *  A BIR of a NAF of ours to the home of its subscriber, and its BIA back. Main thread. Holds no session and no key: what a home
 *  answers goes from one connection's buffer into the other's. */
#pragma once

#include "common/dia/dia_hub.h"
#include "znproxy/proxy_cfg.h"

#define RELAY_WAITING_MAX 32768 /* requests that wait for homes, in all */
#define RELAY_SHARE \
	3 /* times what is free of a home's: as many one NAF may have, so that a greedy one keeps nobody out */

struct relay {
	struct proxy_cfg *cfg; /* lent */
	unsigned in_work;
};

/*! Zn for the hub of the NAFs. \param[in] r lent */
struct dia_hub_service relay_service(struct relay *r);
