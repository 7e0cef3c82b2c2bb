/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file agent_server.h
 *  The socket where programs ask: who asks is what the kernel says, what he gets is what the configuration says. One loop, the
 *  device's descriptor in it. Main thread. */
#pragma once

#include "ue/agent/agent_cfg.h"

#define AGENT_CLIENTS_MAX 256 /* connections */
#define AGENT_UID_MAX     64  /* of one user */

/*! Could it listen there? Nothing is changed. \returns 0; -EADDRINUSE "in use by another gba-ued"; -errno. err: as cfg_error() */
int agent_server_check(const struct agent_cfg *c, struct err *err);

/*! \param[in] ue lent until agent_server_stop() \returns 0; -errno. err: as cfg_error() */
int agent_server_start(const struct agent_cfg *c, struct gba_ue *ue, struct err *err);
void agent_server_stop(void);
