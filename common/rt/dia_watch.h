/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file dia_watch.h
 *  What the Diameter node tells, as log lines and counters of a daemon. */
#pragma once

#include "common/dia/dia_core.h"
#include "common/gba/cause.h"

/*! Count, and say so at NOTICE but for a flood. Any thread. \param[in] cat of the log */
void dia_watch_refused(int cat, enum cause cause, const char *peer, const char *detail);

/*! Fill log and event of cb; accept and owner stay the caller's. Both work from any thread. */
void dia_watch(struct dia_callbacks *cb);
