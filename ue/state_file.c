/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/base/regular.h"

#define STATE_MAX 65536

static int write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A rename is durable once its folder is. */
static int sync_folder(const char *path)
{
	char copy[PATH_MAX];
	int fd, rc;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static int replace(const char *path, const void *text, size_t len, bool sync, struct err *err)
{
	char beside[PATH_MAX];
	int fd, rc;

	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", path) >= sizeof(beside))
		return err_set(err, -ENAMETOOLONG, "%s: path too long", path);
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", beside, strerror(errno));
	rc = write_all(fd, text, len);
	if (rc == 0 && sync && fsync(fd) < 0)
		rc = -errno;
	close(fd);
	if (rc == 0 && rename(beside, path) < 0)
		rc = -errno;
	if (rc == 0 && sync)
		rc = sync_folder(path);
	if (rc < 0) {
		unlink(beside);
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	}
	return 0;
}

int state_file_write(const char *path, const void *text, size_t len, struct err *err)
{
	return replace(path, text, len, true, err);
}

int state_file_replace(const char *path, const void *text, size_t len, struct err *err)
{
	return replace(path, text, len, false, err);
}

int state_file_sync(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (fsync(fd) < 0)
		rc = -errno;
	close(fd);
	if (rc == 0)
		rc = sync_folder(path);
	return rc < 0 ? err_set(err, rc, "%s: %s", path, strerror(-rc)) : 0;
}

int state_file_read(const char *path, char **text, size_t *len, struct err *err)
{
	int fd = regular_open(path, O_RDONLY, 0, err), rc = 0;
	size_t used = 0;
	char *buf;

	if (fd < 0)
		return fd;
	buf = malloc(STATE_MAX + 1);
	while (buf && used <= STATE_MAX) {
		ssize_t n = read(fd, buf + used, STATE_MAX + 1 - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = -errno;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	close(fd);
	if (!buf)
		return -ENOMEM;
	if (rc == 0 && used > STATE_MAX)
		rc = -EFBIG;
	if (rc < 0) {
		memset(buf, 0, used);
		free(buf);
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	}
	buf[used] = '\0';
	*text = buf;
	*len = used;
	return 0;
}

int state_file_lock(const char *path, struct err *err)
{
	char name[PATH_MAX];
	int fd;

	if ((size_t)snprintf(name, sizeof(name), "%s.lock", path) >= sizeof(name))
		return err_set(err, -ENAMETOOLONG, "%s: path too long", path);
	fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", name, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return err_set(err, -EBUSY, "%s: another process is using this card", path);
	}
	return fd;
}
