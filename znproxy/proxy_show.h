/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file proxy_show.h
 *  What an operator sees and does while it runs, at the VTY and on the control socket. Main thread. */
#pragma once

#include "common/rt/ctl.h"
#include "znproxy/relay.h"

/*! Commands; after vty_init(). Everything is lent. */
void proxy_show_init(struct proxy_cfg *c, const struct relay *r);
/*! The hub of the NAFs; NULL: it has ended. */
void proxy_show_hub(struct dia_hub *nafs);
/*! What is configured of NAFs has changed: who does not fit any more goes. */
void proxy_show_recheck(void);

/*! Of rt_program. */
extern const struct ctl_command proxy_commands[];
void proxy_figures(json_t *into);
