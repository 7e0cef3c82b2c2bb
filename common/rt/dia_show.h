/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file dia_show.h
 *  What `show peers` says of a peer, in all daemons. Main thread. */
#pragma once

#include "common/dia/dia_hub.h"

struct vty;

/*! A line of what has happened with a peer that was there at least once. */
void dia_show_history(struct vty *vty, const struct dia_hub_peer_figures *f);
/*! \returns "open", "closed" or "disconnected" */
const char *dia_show_state(const struct dia_hub_peer_figures *f);
