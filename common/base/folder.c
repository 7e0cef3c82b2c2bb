/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/folder.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

const char *folder_open_to(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return NULL;
	if (st.st_mode & S_IWOTH)
		return "everybody may write into its folder";
	if ((st.st_mode & S_IWGRP) && st.st_gid != getegid())
		return "a group that is not ours may write into its folder";
	if (geteuid() != 0 && st.st_uid != 0 && st.st_uid != geteuid())
		return "its folder belongs to another user";
	return NULL;
}

const char *folder_of_open_to(const char *file)
{
	char copy[PATH_MAX];

	if ((size_t)snprintf(copy, sizeof(copy), "%s", file) >= sizeof(copy))
		return NULL;
	return folder_open_to(dirname(copy));
}
