/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_grave.h
 *  Peers that are gone. freeDiameter 1.2.1 frees them two minutes later while its other threads may still hold them,
 *  tells them to end when there is nothing left of them to tell, which ends the node, and loses a CER whose sender is
 *  gone before it is worked off, or a watchdog of one that has started anew. See doc/decisions/0002. */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

/*! Call before fd_core_start(). In a shared library in somebody else's program the rest of this has no effect. */
void dia_grave_init(void);

/*! On the thread of a peer that ends, before its queue is deleted: nothing is to tell it to end any more. What comes
 * back under its name is told again, the library sees to that. */
void dia_grave_not_told(struct peer_hdr *peer);
