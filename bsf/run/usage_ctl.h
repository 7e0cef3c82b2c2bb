/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file usage_ctl.h
 *  `usage` of the control socket: bsf/zn/usage.h in pages. Main thread. */
#pragma once

#include "common/rt/ctl.h"

void usage_ctl_run(struct ctl_request *q);
