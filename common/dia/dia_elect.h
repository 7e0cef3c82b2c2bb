/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_elect.h
 *  What becomes of the CERs of a peer that are held, inside of dia_peer (RFC 6733 5.6.4, and where it deviates). */
#pragma once

#include "common/dia/dia_links.h"

/*! Decide all that can be decided now; after anything that happened to a connection of this peer. */
void dia_elect(struct dia_peer_machine *p, uint64_t now_ms);
