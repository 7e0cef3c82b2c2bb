/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/port_probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>
#include "common/base/sockaddr.h"

int port_probe(const struct sockaddr_storage *addr)
{
	int fd = socket(addr->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, rc;

	if (fd < 0)
		return -errno;
	/* SO_REUSEADDR, or connections in TIME_WAIT of our former life would look like somebody on the port. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (addr->ss_family == AF_INET6) /* as our servers have it: [::] and 0.0.0.0 are two addresses */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)addr, sockaddr_len(addr)) == 0 && listen(fd, 1) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}
