/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file port_probe.h
 *  Can this process listen there? The libraries that listen for us do not say why they could not. */
#pragma once

#include <sys/socket.h>

/*! Listen without SO_REUSEPORT, as our servers do but for that.
 *  \param[in] addr  AF_INET or AF_INET6
 *  \returns a descriptor that holds the port until it is closed; -errno */
int port_probe(const struct sockaddr_storage *addr);
