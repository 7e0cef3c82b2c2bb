/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_accept.h
 *  Connections that come to us. freeDiameter 1.2.1 shuts the whole node down for any error of accept(), as when no
 *  descriptor is left; and before it takes the next connection it asks the DNS for the name of this one's address. */
#pragma once

/*! Call before fd_core_start(). From then on, in a program, such a connection is closed, and no name is asked for. */
void dia_accept_init(void);
