/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The file of marks: comes back, whole or not at all; whatever was altered in it is told. */
#include "bsf/store/marks_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/io_log.h"
#include "tests/unit/suite.h"

#define RECORD 60

static const struct seal_kek kek_1 = { .id = 1, .key = { 32, { [0 ... 31] = 0x11 } } };
static const struct seal_kek kek_2 = { .id = 2, .key = { 32, { [0 ... 31] = 0x22 } } };
static char dir[64], path[80];
static struct seal *seal;

static void setup(void)
{
	struct err err;

	strcpy(dir, "/tmp/gba-marks-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/marks", dir);
	seal = seal_new(&kek_1, 1, &err);
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
	seal_free(seal);
}

static struct marks_file *opened(struct marks **set, int64_t now_ms, struct err *err)
{
	struct marks_file *f;

	*set = marks_new(&kek_1, 1, 1000);
	f = marks_file_open(dir, seal, *set, now_ms, err);
	if (!f) {
		marks_free(*set);
		*set = NULL;
	}
	return f;
}

static size_t count(struct marks *set)
{
	struct marks_figures f;

	marks_figures(set, &f);
	return f.marks;
}

static void closed(struct marks_file *f, struct marks *set)
{
	marks_file_free(f);
	marks_free(set);
}

static void add(struct marks_file *f, struct marks *set, unsigned n)
{
	struct mark mark;
	char impi[32];

	snprintf(impi, sizeof(impi), "u%u@example.org", n);
	ck_assert_int_eq(marks_of_impi(set, &mark, impi), 0);
	mark.at_ms = 1000 + n;
	mark.until_ms = 2000 + n;
	(void)marks_add(set, &mark);
	marks_file_add(f, &mark);
}

static void put(struct marks_file *f, struct marks *set, unsigned n)
{
	add(f, set, n);
	ck_assert_int_eq(marks_file_sync(f), 0);
}

static void fill(unsigned n)
{
	struct err err = { "" };
	struct marks *set;
	struct marks_file *f = opened(&set, 0, &err);

	ck_assert_msg(f != NULL, "%s", err.text);
	for (unsigned i = 0; i < n; i++)
		put(f, set, i);
	closed(f, set);
}

static void expect(size_t n, int64_t now_ms)
{
	struct err err = { "" };
	struct marks *set;
	struct marks_file *f = opened(&set, now_ms, &err);

	ck_assert_msg(f != NULL, "%s", err.text);
	ck_assert_uint_eq(count(set), n);
	closed(f, set);
}

static void refused(const char *words)
{
	struct err err = { "" };
	struct marks *set;

	ck_assert_ptr_null(opened(&set, 0, &err));
	ck_assert_msg(strstr(err.text, words), "%s", err.text);
}

/* All, in two starts; what is over is not taken */
START_TEST(comes_back)
{
	struct gba_session s = { .made_ms = 1002 };
	struct err err = { "" };
	struct marks *set;
	struct marks_file *f;
	struct stat st;

	fill(5);
	f = opened(&set, 0, &err);
	strcpy(s.impi.s, "u2@example.org");
	ck_assert(marks_fit(set, &s));
	put(f, set, 5);
	closed(f, set);
	expect(3, 2002);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(st.st_size, RECORD * (1 + 6)); /* what is over is no reason to need room for a new file */
}
END_TEST

/* "The file of marks grows until a restart": what is over goes while the daemon runs, unless the disk has no room for the next file */
START_TEST(begun_anew)
{
	struct err err = { "" };
	struct marks *set;
	struct marks_file *f = opened(&set, 0, &err);
	struct stat st;

	io_log_fail("marks.new", 1);
	for (int i = 0; i < 3000; i++) {
		put(f, set, 1);
		if (i == 1500)
			io_log_fail("marks.new", 0);
	}
	closed(f, set);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_lt(st.st_size, RECORD * 2000);
	expect(1, 0);
}
END_TEST

/* What is over takes no place of what is not, however many there are */
START_TEST(over_is_no_reason)
{
	struct err err = { "" };
	struct marks *set = marks_new(&kek_1, 1, 2);
	struct marks_file *f;

	fill(5);
	ck_assert_ptr_null(marks_file_open(dir, seal, set, 2001, &err));
	ck_assert_msg(strstr(err.text, "more records than may be held"), "%s", err.text);
	marks_free(set);
	set = marks_new(&kek_1, 1, 2);
	f = marks_file_open(dir, seal, set, 2002, &err);
	ck_assert_msg(f != NULL, "%s", err.text);
	ck_assert_uint_eq(count(set), 2);
	closed(f, set);
}
END_TEST

/* Cut at each octet: what is whole comes back, what is not was never durable. Emptied is an error. */
START_TEST(cut)
{
	char copy[RECORD * 4];
	int fd;

	fill(3);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(read(fd, copy, sizeof(copy)), sizeof(copy));
	close(fd);
	for (size_t len = 0; len <= sizeof(copy); len++) {
		fd = open(path, O_WRONLY | O_TRUNC);
		ck_assert_int_eq(write(fd, copy, len), (ssize_t)len);
		close(fd);
		if (len < RECORD)
			refused("record 1 was altered");
		else
			expect(len / RECORD - 1, 0);
	}
}
END_TEST

static void alter(off_t at, const void *p, size_t len)
{
	int fd = open(path, O_WRONLY);

	ck_assert_int_eq(pwrite(fd, p, len, at), (ssize_t)len);
	close(fd);
}

/* An octet of each record, two records in each other's place, one of another KEK */
START_TEST(altered)
{
	char a[RECORD], b[RECORD], was;
	struct err err = { "" };
	int fd;

	fill(3);
	fd = open(path, O_RDONLY);
	for (off_t at = 0; at < RECORD * 4; at += 31) {
		char other;

		ck_assert_int_eq(pread(fd, &was, 1, at), 1);
		other = (char)(was ^ 1);
		alter(at, &other, 1);
		refused("was altered, or not kept by the disk, or its KEK is not configured; allowed:");
		alter(at, &was, 1);
	}
	ck_assert_int_eq(pread(fd, a, RECORD, RECORD), RECORD);
	ck_assert_int_eq(pread(fd, b, RECORD, 2 * RECORD), RECORD);
	alter(RECORD, b, RECORD);
	alter(2 * RECORD, a, RECORD);
	refused("record 2 was altered");
	alter(RECORD, a, RECORD);
	alter(2 * RECORD, b, RECORD);
	close(fd);
	expect(3, 0);
	seal_free(seal);
	seal = seal_new(&kek_2, 1, &err);
	refused("record 1 was altered");
}
END_TEST

/* A disk that had room for more and was never written there */
START_TEST(zeros_behind)
{
	const char zero[RECORD * 2] = { 0 };

	fill(2);
	alter(3 * RECORD, zero, sizeof(zero));
	expect(2, 0);
	alter(3 * RECORD, zero, RECORD);
	alter(4 * RECORD, "x", 1);
	refused("record 4 was altered");
}
END_TEST

/* A kill does not show a sync that is missing, the order does */
START_TEST(order)
{
	struct err err;
	struct marks *set;
	struct marks_file *f;

	io_log_start();
	f = opened(&set, 0, &err);
	ck_assert_str_eq(io_log_end(), "write:marks.new sync:marks.new rename:marks.new>marks sync:folder/");
	io_log_start();
	put(f, set, 1);
	ck_assert_str_eq(io_log_end(), "write:marks sync:marks");
	closed(f, set);
}
END_TEST

/* A record of which the disk had written one sector only when the power failed: it was never durable, so it goes. Another one that does not open
 * is told, be it the last. */
START_TEST(torn)
{
	const off_t next = 512, begin = next / RECORD * RECORD; /* this record has both */
	const unsigned n = (unsigned)(begin / RECORD);
	const char zero[RECORD] = { 0 };
	char was[RECORD];
	int fd;

	ck_assert(begin < next && next < begin + RECORD);
	for (int part = 0; part < 2; part++) {
		fill(n);
		alter(part ? next : begin, zero, (size_t)(part ? begin + RECORD - next : next - begin));
		expect(n - 1, 0);
		unlink(path);
	}
	fill(n + 1);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(pread(fd, was, RECORD, begin), RECORD);
	alter(begin, zero, (size_t)(next - begin)); /* one stands behind it, which was written later */
	refused("record 9 was altered, or not kept by the disk");
	alter(begin, was, RECORD);
	ck_assert_int_eq(truncate(path, begin + RECORD), 0);
	alter(begin + 20, zero, 4);
	refused("record 9 was altered, or not kept by the disk");
	close(fd);
}
END_TEST

/* While the disk is broken more wait for it than may: when it is well again all are durable */
START_TEST(heals)
{
	const unsigned many = 20000;
	struct err err = { "" };
	struct marks *set = marks_new(&kek_1, 1, 2 * many);
	struct marks_file *f = marks_file_open(dir, seal, set, 0, &err);

	io_log_fail("marks", 1);
	for (unsigned i = 0; i < many; i++)
		add(f, set, i);
	ck_assert_int_eq(marks_file_sync(f), -EIO);
	io_log_fail("", 0);
	ck_assert_int_eq(marks_file_sync(f), 0);
	put(f, set, many);
	closed(f, set);
	set = marks_new(&kek_1, 1, 2 * many);
	f = marks_file_open(dir, seal, set, 0, &err);
	ck_assert_msg(f != NULL, "%s", err.text);
	ck_assert_uint_eq(count(set), many + 1);
	closed(f, set);
}
END_TEST

/* Two processes; a folder that others may write */
START_TEST(not_ours)
{
	struct err err = { "" };
	struct marks *set;
	struct marks_file *f = opened(&set, 0, &err);

	refused("another process has");
	closed(f, set);
	ck_assert_int_eq(chmod(dir, 0777), 0);
	refused("allowed: a folder that only its owner may write");
	ck_assert_int_eq(chmod(dir, 0700), 0);
}
END_TEST

SUITE_WITH_FIXTURE("marks file", setup, teardown, comes_back, begun_anew, over_is_no_reason, cut, altered, zeros_behind,
		   torn, heals, order, not_ours)
