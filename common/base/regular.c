/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int regular_judge(int fd)
{
	struct stat st;

	if (fd < 0) /* ENXIO: a FIFO that nobody reads, a socket; EISDIR: a folder, to be written */
		return errno == ENXIO || errno == EISDIR ? -EINVAL : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

int regular_open(const char *path, int flags, mode_t mode, struct err *err)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode), rc = regular_judge(fd);

	if (rc == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return err_set(err, rc, "%s: %s", path, rc == -EINVAL ? "is no regular file" : strerror(-rc));
}

int regular_fopen(FILE **out, const char *path, struct err *err)
{
	int fd = regular_open(path, O_RDONLY, 0, err);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (fd < 0)
		return fd;
	if (!f) {
		close(fd);
		return err_set(err, -ENOMEM, "%s: no memory", path);
	}
	*out = f;
	return 0;
}
