/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file proxy_vty.h
 *  The commands of the configuration. Main thread. */
#pragma once

#include "znproxy/proxy_cfg.h"

/*! \param[in] c lent, filled while the file is read */
void proxy_vty_init(struct proxy_cfg *c);
