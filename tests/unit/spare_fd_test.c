/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A connection that finds no descriptor left is closed, and nothing else is. */
#include "common/base/spare_fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/unit/suite.h"

static int listener, spare;
static struct sockaddr_in at;

static void setup(void)
{
	socklen_t len = sizeof(at);

	at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 5), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	spare = -1;
	ck_assert(spare_fd_hold(&spare));
}

static int caller(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static rlim_t use_up(void)
{
	struct rlimit r;
	rlim_t before;
	int fd = dup(0);

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	before = r.rlim_cur;
	r.rlim_cur = fd; /* the lowest that is free */
	close(fd);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
	return before;
}

static void give_back(rlim_t before)
{
	struct rlimit r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	r.rlim_cur = before;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
}

START_TEST(nobody_waits)
{
	rlim_t before = use_up();
	int rc = spare_fd_refuse(listener, &spare);

	give_back(before);
	ck_assert_int_eq(rc, 0);
	ck_assert_int_ge(spare, 0);
}
END_TEST

START_TEST(some_left)
{
	int fd = caller();

	ck_assert_int_eq(spare_fd_refuse(listener, &spare), 0);
	ck_assert_int_ge(accept(listener, NULL, NULL), 0); /* it is still there */
	close(fd);
}
END_TEST

START_TEST(none_left)
{
	int a = caller(), b = caller(), rc[3];
	rlim_t before = use_up();
	char c;

	for (int i = 0; i < 3; i++)
		rc[i] = spare_fd_refuse(listener, &spare);
	give_back(before);
	ck_assert_int_eq(rc[0], 1);
	ck_assert_int_eq(rc[1], 1);
	ck_assert_int_eq(rc[2], 0);
	ck_assert_int_ge(spare, 0);
	ck_assert_int_le(read(a, &c, 1), 0);
	ck_assert_int_le(read(b, &c, 1), 0);
}
END_TEST

START_TEST(no_spare)
{
	int fd = caller(), none = -1, rc;
	rlim_t before = use_up();

	rc = spare_fd_refuse(listener, &none);
	give_back(before);
	ck_assert_int_eq(rc, -EMFILE);
	close(listener);
	ck_assert_int_eq(spare_fd_refuse(listener, &spare), -EBADF);
	close(fd);
}
END_TEST

SUITE_WITH_FIXTURE("spare_fd", setup, NULL, nobody_waits, some_left, none_left, no_spare)
