/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/gsup_guss.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/gba/impi.h"
#include "common/gba/zh_msg.h"

/* \returns descriptor; -ENOENT; -ENODATA: what has this name is no file we may read */
static int open_guss(const char *dir, const char *impi, size_t *size)
{
	char path[PATH_MAX];
	struct impi key;
	struct stat st;
	int fd;

	impi_key(&key, impi);
	if (strchr(key.s, '/') || snprintf(path, sizeof(path), "%s/%s.xml", dir, key.s) >= (int)sizeof(path))
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : -ENODATA;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= ZH_GUSS_MAX) {
		*size = (size_t)st.st_size;
		return fd;
	}
	close(fd);
	return -ENODATA;
}

int gsup_guss_read(struct guss_blob **out, const char *dir, const char *impi)
{
	size_t size = 0;
	int fd = open_guss(dir, impi, &size), rc = 0;
	ssize_t n;
	char *xml;

	*out = NULL;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	xml = malloc(size + 1);
	n = xml ? read(fd, xml, size + 1) : -1;
	if (!xml)
		rc = -ENOMEM;
	else if (n <= 0 || (size_t)n != size) /* empty, or being written */
		rc = -ENODATA;
	else if (!(*out = guss_blob_new(span_of(xml, size))))
		rc = -ENOMEM;
	free(xml);
	close(fd);
	return rc;
}
