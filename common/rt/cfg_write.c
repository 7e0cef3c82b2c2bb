/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What `write file` does. The library's own replaces whatever it is told to, is readable by all, and syncs the machine. */
#include "common/rt/cfg_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <osmocom/vty/buffer.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vector.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>

#define FILE_MODE 0640 /* names of peers, paths of keys: nothing for everybody */

extern vector cmdvec; /* of libosmovty: exported, in no public header */

/* \returns talloc'ed */
static char *running_config(void)
{
	struct vty *v = vty_new();
	char *text;

	if (!v)
		return NULL;
	v->type = VTY_FILE;
	vty_out(v, "! written by the VTY; comments of the former file are lost\n");
	for (unsigned i = 0; i < vector_active(cmdvec); i++) {
		struct cmd_node *node = vector_slot(cmdvec, i);

		if (node && node->func && node->func(v))
			vty_out(v, "!\n");
	}
	text = buffer_getstr(v->obuf);
	buffer_reset(v->obuf);
	vty_close(v);
	return text;
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Into a new file beside path. \returns 0; -errno, and no file */
static int write_beside(char temp[PATH_MAX], const char *path, mode_t mode)
{
	char *text = running_config();
	int fd, rc;

	if (!text || snprintf(temp, PATH_MAX, "%s.XXXXXX", path) >= PATH_MAX) {
		talloc_free(text);
		return text ? -ENAMETOOLONG : -ENOMEM;
	}
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
	} else {
		rc = fchmod(fd, mode) < 0 ? -errno : write_all(fd, text);
		if (rc < 0)
			unlink(temp);
		close(fd);
	}
	talloc_free(text);
	return rc;
}

static void sync_folder(const char *path)
{
	char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
	int fd;

	if (slash)
		slash[slash == copy] = '\0';
	fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(copy);
}

/* The configuration file itself: what was there stays once, so that nothing written by hand is lost. */
static int write_over(const char *path)
{
	char temp[PATH_MAX], saved[PATH_MAX];
	struct stat st;
	int rc = stat(path, &st) < 0 ? -errno : 0;

	if (rc == 0 && snprintf(saved, sizeof(saved), "%s.sav", path) >= (int)sizeof(saved))
		rc = -ENAMETOOLONG;
	if (rc == 0)
		rc = write_beside(temp, path, st.st_mode & FILE_MODE);
	if (rc < 0)
		return rc;
	if ((link(path, saved) < 0 && errno != EEXIST) || rename(temp, path) < 0) {
		rc = -errno;
		unlink(temp);
	}
	return rc;
}

static int write_new(const char *path)
{
	char temp[PATH_MAX];
	struct stat st;
	int rc = lstat(path, &st) == 0 ? -EEXIST : write_beside(temp, path, FILE_MODE);

	if (rc < 0)
		return rc;
	rc = link(temp, path) < 0 ? -errno : 0; /* unlike rename() it never replaces */
	unlink(temp);
	return rc;
}

int cfg_write(const char *path, struct err *err)
{
	char real[PATH_MAX];
	int rc;

	if (!path && !realpath(host_config_file(), real))
		return err_set(err, -errno, "%s: %s", host_config_file(), strerror(errno));
	rc = path ? write_new(path) : write_over(real);
	if (rc == -EEXIST)
		return err_set(
			err, rc,
			"%s is there already; allowed: a file that is not there, or no name for the configuration file",
			path);
	if (rc < 0)
		return err_set(err, rc, "%s: %s", path ? path : real, strerror(-rc));
	sync_folder(path ? path : real);
	return 0;
}
