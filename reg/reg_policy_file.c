/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_policy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_LEN 300 /* a host name and what stands around it */

static int write_beside(int folder, const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640), rc = 0;
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	/* the BSF's group reads it, whatever our umask is */
	if (write(fd, text, len) != (ssize_t)len || fchmod(fd, 0640) < 0 || fsync(fd) < 0)
		rc = errno ? -errno : -EIO;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

static int policy_put(int folder, const char *fqdn, const char *text)
{
	char name[NAME_LEN], beside[NAME_LEN];
	int rc;

	snprintf(name, sizeof(name), "%s.naf", fqdn);
	if (!text) {
		rc = unlinkat(folder, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	} else {
		snprintf(beside, sizeof(beside), ".%s.new", fqdn);
		rc = write_beside(folder, beside, text);
		if (rc == 0 && renameat(folder, beside, folder, name) < 0)
			rc = -errno;
		if (rc < 0)
			unlinkat(folder, beside, 0);
	}
	return rc == 0 && fsync(folder) < 0 ? -errno : rc;
}

int reg_policy_file(const char *folder, const char *fqdn, const char *text, struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", folder, strerror(errno));
	rc = policy_put(fd, fqdn, text);
	close(fd);
	return rc < 0 ? err_set(err, rc, "%s: %s.naf: %s", folder, fqdn, strerror(-rc)) : 0;
}
