/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/suite.h"

START_TEST(set_and_compare)
{
	struct secret a = { 0 }, b = { 0 };
	uint8_t big[SECRET_MAX + 1];

	memset(big, 7, sizeof(big));
	ck_assert_int_eq(secret_set(&a, big, SECRET_MAX), 0);
	ck_assert_int_eq(secret_set(&b, big, sizeof(big)), -E2BIG);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_int_eq(secret_set(&b, big, SECRET_MAX), 0);
	ck_assert(secret_equal(&a, &b));
	b.b[SECRET_MAX - 1] ^= 1;
	ck_assert(!secret_equal(&a, &b));
	/* A shorter key leaves nothing of the longer one behind it. */
	ck_assert_int_eq(secret_set(&a, big, 16), 0);
	for (int i = 16; i < SECRET_MAX; i++)
		ck_assert_uint_eq(a.b[i], 0);
	ck_assert_int_eq(secret_set(&b, big, 17), 0);
	ck_assert(!secret_equal(&a, &b));
	ck_assert(octets_equal("abc", "abd", 2));
	ck_assert(!octets_equal("abc", "abd", 3));
}
END_TEST

START_TEST(wiped)
{
	struct secret k = { 0 };

	secret_set(&k, "0123456789abcdef", 16);
	secret_clear(&k);
	ck_assert_uint_eq(k.len, 0);
	for (int i = 0; i < SECRET_MAX; i++)
		ck_assert_uint_eq(k.b[i], 0);
}
END_TEST

static char path[64];

static void file_in_path(const char *text, mode_t mode)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void file_with(const char *text, mode_t mode)
{
	snprintf(path, sizeof(path), "secret_test.%d", (int)getpid());
	file_in_path(text, mode);
}

START_TEST(from_file)
{
	static const struct {
		const char *text;
		mode_t mode;
		int rc;
		const char *why;
	} cases[] = {
		{ "00112233\n", 0600, 0, NULL },
		{ " \t\n00112233", 0400, 0, NULL },
		{ "00112233", 0640, -EACCES, "by others" },
		{ "00112233", 0604, -EACCES, "by others" },
		{ "00112233", 0620, -EACCES, "by others" },
		{ "001122", 0600, -EBADMSG, "8 hexadecimal" },
		{ "0011223344", 0600, -EBADMSG, "8 hexadecimal" },
		{ "0011 2233", 0600, -EBADMSG, "8 hexadecimal" },
		{ "0011223g", 0600, -EBADMSG, "8 hexadecimal" },
		{ "", 0600, -EBADMSG, "8 hexadecimal" },
		{ "00112233                                                                                          "
		  "                                                                                            44",
		  0600, -EBADMSG, "8 hexadecimal" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct secret k = { 0 };
		char why[200] = "";

		file_with(cases[i].text, cases[i].mode);
		ck_assert_msg(secret_read_file(&k, 4, path, why, sizeof(why)) == cases[i].rc, "case %zu: %s", i, why);
		if (cases[i].rc == 0) {
			ck_assert_secret(k, "00112233");
			continue;
		}
		ck_assert_uint_eq(k.len, 0);
		ck_assert_msg(strstr(why, path) && strstr(why, cases[i].why), "case %zu: %s", i, why);
		ck_assert_msg(!strstr(why, "0011"), "the reason shows the key: %s", why);
	}
	unlink(path);
}
END_TEST

/* A password or a PIN is a line as it stands, blanks and all; more than one, or none, is not guessed at. */
START_TEST(of_a_line)
{
	static const struct {
		const char *text;
		int rc;
		size_t len;
	} cases[] = {
		{ "1", 0, 1 },
		{ " 46 81 \n", 0, 7 },
		{ "0123456789012345678901234567890123456789012345678901234567890123\n", 0, SECRET_MAX },
		{ "01234567890123456789012345678901234567890123456789012345678901234", -EBADMSG, 0 },
		{ "01234567890123456789012345678901234567890123456789012345678901234\n", -EBADMSG, 0 },
		{ "1\n2\n", -EBADMSG, 0 },
		{ "1\n\n", -EBADMSG, 0 },
		{ "\n", -EBADMSG, 0 },
		{ "", -EBADMSG, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct secret k = { 0 };
		char why[200] = "";

		file_with(cases[i].text, 0600);
		ck_assert_msg(secret_read_line(&k, path, why, sizeof(why)) == cases[i].rc, "case %zu: %s", i, why);
		ck_assert_uint_eq(k.len, cases[i].len);
		ck_assert_int_eq(memcmp(k.b, cases[i].text, cases[i].len), 0);
	}
	unlink(path);
}
END_TEST

/* Who may write into its folder can put a key of his own in its place. */
START_TEST(folder_of_others)
{
	char why[200], dir[] = "/tmp/gba-kek-XXXXXX";
	struct secret k = { 0 };

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/kek", dir);
	file_in_path("00112233", 0600);
	ck_assert_int_eq(chmod(dir, 0777), 0);
	ck_assert_int_eq(secret_read_file(&k, 4, path, why, sizeof(why)), -EACCES);
	ck_assert_msg(strstr(why, "everybody may write"), "%s", why);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(secret_read_file(&k, 4, path, why, sizeof(why)), 0);
	unlink(path);
	rmdir(dir);
}
END_TEST

START_TEST(no_file)
{
	char why[200], dir[] = "/tmp/gba-fifo-XXXXXX", fifo[64];
	struct secret k = { 0 };

	ck_assert_int_eq(secret_read_file(&k, 4, "does/not/exist", why, sizeof(why)), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why, "does/not/exist"));
	ck_assert_int_eq(secret_read_file(&k, 4, "/", why, sizeof(why)), -EACCES);
	ck_assert_ptr_nonnull(strstr(why, "regular"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(fifo, sizeof(fifo), "%s/kek", dir);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0); /* nobody waits for its other side */
	ck_assert_int_eq(secret_read_file(&k, 4, fifo, why, sizeof(why)), -EACCES);
	unlink(fifo);
	rmdir(dir);
	ck_assert_int_eq(secret_read_file(&k, SECRET_MAX + 1, "x", why, sizeof(why)), -EINVAL);
}
END_TEST

SUITE("secret", set_and_compare, wiped, from_file, of_a_line, folder_of_others, no_file)
