/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_addr.h
 *  The address of a Diameter peer as a user writes it. */
#pragma once

#include <sys/socket.h>
#include "common/base/err.h"

/*! Resolve "HOST", "HOST:PORT", "[IPV6]" or "[IPV6]:PORT"; the port, 1 to 65535 in digits, is 3868 if there is none. May ask DNS, so it may block.
 *  \param[out] out  the first address found; untouched on error
 *  \returns 0; -EINVAL, the text names what was written */
int dia_addr_resolve(struct sockaddr_storage *out, const char *text, struct err *err);
