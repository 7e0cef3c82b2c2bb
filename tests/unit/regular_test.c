/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Files that a configuration names: what is none is refused in words, and nobody waits for the other side of a FIFO. */
#include "common/base/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "tests/unit/suite.h"

static char folder[64], path[80];

static void begin(void)
{
	strcpy(folder, "/tmp/regular_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x", folder);
}

static void end(void)
{
	unlink(path);
	rmdir(folder);
}

static void is_none(const char *name, int flags)
{
	char want[128];
	struct err err;

	snprintf(want, sizeof(want), "%s: is no regular file", name);
	ck_assert_int_eq(regular_open(name, flags, 0600, &err), -EINVAL);
	ck_assert_str_eq(err.text, want);
}

static void is_none_any_way(const char *name)
{
	static const int ways[] = { O_RDONLY, O_WRONLY | O_APPEND, O_WRONLY | O_APPEND | O_CREAT, O_RDWR };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		is_none(name, ways[i]);
}

START_TEST(what_is_no_file)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	alarm(10);
	is_none_any_way(folder);
	is_none_any_way("/dev/zero");
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	is_none_any_way(path);
	unlink(path);
	strcpy(sa.sun_path, path);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&sa, sizeof(sa)), 0);
	is_none_any_way(path);
	close(s);
	alarm(0);
}
END_TEST

START_TEST(what_is_one)
{
	struct err err;
	FILE *f;
	int fd;

	ck_assert_int_eq(regular_open(path, O_RDONLY, 0, &err), -ENOENT);
	ck_assert_msg(strstr(err.text, "No such file"), "%s", err.text);
	fd = regular_open(path, O_WRONLY | O_CREAT, 0600, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	fd = regular_open(path, O_RDONLY, 0, &err);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(regular_fopen(&f, path, &err), 0);
	ck_assert_int_eq(fgetc(f), 'x');
	ck_assert_int_eq(fcntl(fileno(f), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	fclose(f);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(regular_fopen(&f, path, &err), -ENOENT);
	ck_assert_msg(strstr(err.text, "No such file"), "%s", err.text);
}
END_TEST

SUITE_WITH_FIXTURE("regular", begin, end, what_is_no_file, what_is_one)
