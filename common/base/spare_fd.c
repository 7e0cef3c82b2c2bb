/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/spare_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <sys/socket.h>

bool spare_fd_hold(int *spare)
{
	if (*spare < 0)
		*spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return *spare >= 0;
}

static bool some_left(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* The listener may be a blocking one. */
static int one_waits(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	int rc = poll(&p, 1, 0);

	if (rc < 0)
		return -errno;
	return p.revents & (POLLNVAL | POLLERR) ? -EBADF : p.revents & POLLIN;
}

int spare_fd_refuse(int listener, int *spare)
{
	int fd, rc = one_waits(listener);

	if (rc <= 0 || some_left())
		return rc < 0 ? rc : 0;
	if (*spare < 0)
		return -EMFILE;
	close(*spare);
	*spare = -1;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	rc = fd < 0 ? -errno : 1;
	if (fd >= 0)
		close(fd);
	spare_fd_hold(spare);
	return rc;
}
