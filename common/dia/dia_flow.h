/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_flow.h
 *  Who waits for whom in the Diameter library. A message goes through bounded queues: peer's events, incoming, local
 *  (our callbacks), outgoing, peer's messages to send. freeDiameter 1.2.1 lets every thread wait for room in the next
 *  one, and does not bound the first. So one peer that does not read holds up all, threads can wait for each other in
 *  a circle when an HSS and a NAF are lost at once, and a peer that sends faster than we work fills the memory.
 *
 *  Here the thread that empties the outgoing queue never waits, so all before it move on; and who receives from a peer
 *  waits until that peer's events are worked off, so its sender has to. See doc/decisions/0002.
 *
 *  In a shared library in somebody else's program this has no effect; such a node only connects to its own BSF. */
#pragma once

#include <stdbool.h>

/*! Call before fd_core_initialize(). */
void dia_flow_init(void);

/*! From now on this thread puts a message into a full queue rather than wait for room (or no longer does so).
 *  \returns what held before */
bool dia_flow_never_waits(bool yes);

/*! This thread receives from a connection: it waits while too many events of its peer are not worked off yet. */
void dia_flow_receives(void);

/*! An event of a peer was taken from its queue. */
void dia_flow_taken(void);
