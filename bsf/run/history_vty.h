/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file history_vty.h
 *  Why it failed, at the VTY: `show subscriber`, `show failures`, `trace`. */
#pragma once

#include "bsf/ub/history.h"

/*! \param[in] h lent; must outlive the VTY */
void history_vty_init(struct ub_history *h);
