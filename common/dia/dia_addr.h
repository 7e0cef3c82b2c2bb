/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_addr.h
 *  The address of a Diameter peer as a user writes it. */
#pragma once

#include <sys/socket.h>
#include "common/base/err.h"

#define DIA_ADDR_PORT     "3868"
#define DIA_ADDR_PORT_TLS "5868" /* as registered (RFC 6733 11.4); its 2.1 says 5658 */

/*! Resolve "HOST", "HOST:PORT", "[IPV6]" or "[IPV6]:PORT"; the port is 1 to 65535 in digits. May ask DNS, so it may block.
 *  \param[in] port  if there is none in text: DIA_ADDR_PORT, DIA_ADDR_PORT_TLS
 *  \param[out] out  the first address found; untouched on error
 *  \returns 0; -EINVAL, the text names what was written */
int dia_addr_resolve(struct sockaddr_storage *out, const char *text, const char *port, struct err *err);
