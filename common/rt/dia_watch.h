/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file dia_watch.h
 *  What the Diameter node tells, as log lines and counters of a daemon. */
#pragma once

#include "common/dia/dia_core.h"

/*! Fill log and event of cb; accept and owner stay the caller's. Both work from any thread. */
void dia_watch(struct dia_callbacks *cb);
