/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file proxy_vty_in.h
 *  What the files of the configuration commands share. For nobody else. */
#pragma once

#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "znproxy/proxy_cfg.h"

enum { PROXY_NODE_DIAMETER = _LAST_OSMOVTY_NODE + 1, PROXY_NODE_NAF, PROXY_NODE_HOME };

/*! One more word of a list. \param[in] ctx owns it. \returns CMD_SUCCESS; CMD_WARNING, vty has been told why not */
int proxy_vty_add_word(struct vty *vty, void *ctx, struct words *w, const char *word);

void proxy_vty_naf_init(struct proxy_cfg *c);
void proxy_vty_home_init(struct proxy_cfg *c);
