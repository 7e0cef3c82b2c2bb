/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_out.h
 *  Peers that go and come back. freeDiameter 1.2.1 shuts the whole node down, for good and without a word, when a routing
 *  thread of it cannot hand an answer (most easily one of its own error answers) to a peer that has just closed its
 *  connection. It drops every answer to a peer whose last connection broke until that peer has answered three watchdogs on
 *  the new one. And a peer that connects while its last connection is torn down may lock everybody out. Any peer that is
 *  let in can do all three, by will or by chance; see doc/decisions/0002. */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

/*! Call before fd_core_start(). From then on such an answer is dropped, and only that; who comes back is answered at once.
 *  In a shared library in somebody else's program this has no effect; such a node only connects to its own BSF. */
void dia_out_init(void);

/*! On the thread of a peer that sent a watchdog, or the answer to one. If it was late with that (RFC 3539 3.4.1, SUSPECT) it
 *  is there again: the library has forgotten its own watchdog by then, drops the answer, asks and answers such a peer nothing
 *  more, and cuts the connection after twice Tw. */
void dia_out_was_late(struct peer_hdr *peer);

/*! On the thread of a peer: it has a connection again. */
void dia_out_is_back(struct peer_hdr *peer);
