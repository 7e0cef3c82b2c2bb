/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A sealed log that is begun anew while it is used: whatever fails, what was said to be durable is there afterwards. */
#include "bsf/store/sealed_log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "tests/unit/former_seal.h"
#include "tests/unit/io_log.h"
#include "tests/unit/suite.h"

#define LEN 4

static const struct seal_kek keks[] = {
	{ .id = 1, .key = { 32, { [0 ... 31] = 0x11 } } },
	{ .id = 2, .key = { 32, { [0 ... 31] = 0x22 } } },
};
static char dir[64], held[64]; /* what stays: the second octet of each record */
static struct seal *seal;

static int take(void *unused, const uint8_t *record)
{
	held[strlen(held)] = (char)record[1];
	return 0;
}

static int keep(void *unused, struct sealed_log *l)
{
	int rc = 0;

	for (const char *p = held; *p && rc == 0; p++)
		rc = sealed_log_add(l, (const uint8_t[LEN]){ 1, (uint8_t)*p });
	return rc;
}

static const struct sealed_log_form form = {
	.name = "log", .bind = "gba test 1", .len = LEN, .take = take, .keep = keep, .cure = "nothing"
};

static void setup(void)
{
	struct err err;

	strcpy(dir, "/tmp/gba-log-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	seal = seal_new(keks, 1, &err);
}

static void teardown(void)
{
	static const char *const names[] = { "log", "log.new" };
	char path[80];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	seal_free(seal);
}

static struct sealed_log *opened(void)
{
	struct err err = { "" };
	struct sealed_log *l;

	memset(held, 0, sizeof(held));
	l = sealed_log_open(&form, dir, seal, NULL, &err);
	ck_assert_msg(l != NULL, "%s", err.text);
	return l;
}

/* The next start finds these, and goes on with them */
static void expect_kept(const char *what)
{
	struct sealed_log *l = opened();

	ck_assert_str_eq(held, what);
	sealed_log_free(l);
}

static int put(struct sealed_log *l, char what)
{
	held[strlen(held)] = what;
	ck_assert_int_eq(sealed_log_add(l, (const uint8_t[LEN]){ 1, (uint8_t)what }), 0);
	return sealed_log_sync(l);
}

/* \param[in] part of the name of what cannot be written, or made durable, from now on; "": nothing */
static void fails(const char *part)
{
	io_log_fail(part, part[0] != '\0');
}

/* Whichever of its steps fails, what comes behind it is where the next start reads */
START_TEST(renewed)
{
	static const char *const steps[] = { "log.new", "folder/", "" };
	char path[80];

	snprintf(path, sizeof(path), "%s/log.new", dir);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct sealed_log *l = opened();

		memset(held, 0, sizeof(held));
		ck_assert_int_eq(sealed_log_renew(l), 0);
		ck_assert_int_eq(put(l, 'a'), 0);
		fails(steps[i]);
		ck_assert_int_eq(sealed_log_renew(l), steps[i][0] ? -EIO : 0);
		fails("");
		ck_assert_int_eq(access(path, F_OK), -1); /* on a full disk it would be in the way */
		ck_assert_int_eq(put(l, 'b'), 0);
		ck_assert_uint_eq(sealed_log_count(l), 1 + 2);
		sealed_log_free(l);
		l = opened();
		ck_assert_msg(strcmp(held, "ab") == 0, "%s: there is '%s'", steps[i], held);
		sealed_log_free(l);
	}
}
END_TEST

/* What could not be written is told so, and is there when it was written again */
START_TEST(written_again)
{
	struct sealed_log *l = opened();

	ck_assert_int_eq(put(l, 'a'), 0);
	fails("log");
	ck_assert_int_eq(put(l, 'b'), -EIO);
	ck_assert_int_eq(put(l, 'c'), -EIO);
	fails("");
	ck_assert_int_eq(sealed_log_sync(l), 0);
	sealed_log_free(l);
	expect_kept("abc");
}
END_TEST

/* What was written in part is not told as durable either */
START_TEST(written_in_part)
{
	struct sealed_log *l = opened();
	struct rlimit before, less;
	char path[80];
	struct stat st;

	ck_assert_int_eq(put(l, 'a'), 0);
	snprintf(path, sizeof(path), "%s/log", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	less = before;
	less.rlim_cur = (rlim_t)st.st_size + 10;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &less), 0);
	ck_assert_int_eq(put(l, 'b'), -EFBIG);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert_int_eq(sealed_log_sync(l), 0);
	sealed_log_free(l);
	expect_kept("ab");
}
END_TEST

/* What a log begins with is nowhere else in it */
START_TEST(begins_once)
{
	struct sealed_log *l = opened();
	struct err err = { "" };

	ck_assert_int_eq(sealed_log_add(l, (const uint8_t[LEN]){ 0, 'x' }), 0);
	ck_assert_int_eq(sealed_log_sync(l), 0);
	sealed_log_free(l);
	ck_assert_ptr_null(sealed_log_open(&form, dir, seal, NULL, &err));
	ck_assert_msg(strstr(err.text, "record 2 was altered"), "%s", err.text);
}
END_TEST

/* As a former release has sealed it, with a record that was not whole when it stopped */
START_TEST(former)
{
	uint8_t aad[32] = "gba test 1", file[3 * (LEN + SEAL_OVERHEAD_MAX)], *at = file;
	const struct span bind = span_of(aad, strlen(form.bind) + 16);
	const size_t len = LEN + SEAL_OVERHEAD_MAX;
	char path[80];
	FILE *f;

	for (uint8_t i = 0; i < 3; i++, at += len) {
		const uint8_t record[LEN] = { i != 0, i ? 'a' + i - 1 : 0 };

		former_seal(at, keks, 1, i, span_of(record, LEN), bind);
		memcpy(aad + strlen(form.bind), at + len - 16, 16);
	}
	snprintf(path, sizeof(path), "%s/log", dir);
	f = fopen(path, "w");
	ck_assert_uint_eq(fwrite(file, 1, sizeof(file), f) + fwrite(file, 1, len / 2, f), sizeof(file) + len / 2);
	fclose(f);
	for (int i = 0; i < 2; i++) {
		expect_kept("ab");
	}
}
END_TEST

/* "On a full disk there is no start": what is there goes on as it is, whatever the last stop left at its end */
START_TEST(begun_on_a_full_disk)
{
	static const size_t torn[] = { 0, 1, 12, LEN + SEAL_OVERHEAD, 4096 };
	char path[80];

	snprintf(path, sizeof(path), "%s/log", dir);
	for (size_t i = 0; i < sizeof(torn) / sizeof(torn[0]); i++) {
		struct sealed_log *l = opened();
		FILE *f;

		ck_assert_int_eq(put(l, (char)('a' + i)), 0);
		sealed_log_free(l);
		f = fopen(path, "a");
		for (size_t n = 0; n < torn[i]; n++)
			fputc(0, f);
		fclose(f);
		fails("log.new");
		l = opened();
		fails("");
		ck_assert_uint_eq(strlen(held), i + 1);
		ck_assert_uint_eq(sealed_log_count(l), 1 + i + 1);
		sealed_log_free(l);
	}
}
END_TEST

/* A process may be killed between a write, or the new name, and what makes it durable: what the next one reads counts for it, so it does that */
START_TEST(read_is_durable)
{
	struct sealed_log *l = opened();
	const char *io;

	ck_assert_int_eq(put(l, 'a'), 0);
	sealed_log_free(l);
	io_log_start();
	l = opened();
	io = io_log_end();
	ck_assert_msg(strstr(io, "sync:log sync:folder/"), "%s", io);
	sealed_log_free(l);
	for (int i = 0; i < 2; i++) {
		struct err err = { "" };

		fails(i ? "folder/" : "log");
		ck_assert_ptr_null(sealed_log_open(&form, dir, seal, NULL, &err));
		ck_assert_ptr_nonnull(strstr(err.text, "cannot write"));
		fails("");
	}
}
END_TEST

/* Only another KEK needs room for all of it once more, and says so; then nothing was changed, and the former one is enough */
START_TEST(another_kek)
{
	const struct seal_kek both[] = { keks[1], keks[0] };
	struct sealed_log *l = opened();
	struct err err = { "" };

	ck_assert_int_eq(put(l, 'a'), 0);
	sealed_log_free(l);
	seal_free(seal);
	seal = seal_new(both, 2, &err);
	ck_assert_int_eq(sealed_log_check(&form, dir, seal, NULL, &err), 0);
	fails("log.new");
	memset(held, 0, sizeof(held));
	ck_assert_ptr_null(sealed_log_open(&form, dir, seal, NULL, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "log cannot be sealed anew by KEK 2"));
	fails("");
	sealed_log_free(opened());
	seal_free(seal);
	seal = seal_new(&keks[1], 1, &err); /* the former one may go */
	sealed_log_free(opened());
	ck_assert_str_eq(held, "a");
	seal_free(seal);
	seal = seal_new(keks, 1, &err);
	ck_assert_int_eq(sealed_log_check(&form, dir, seal, NULL, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.text, "its KEK is not configured"));
	ck_assert_ptr_null(sealed_log_open(&form, dir, seal, NULL, &err));
}
END_TEST

SUITE_WITH_FIXTURE("sealed log", setup, teardown, renewed, written_again, written_in_part, begins_once, former,
		   begun_on_a_full_disk, read_is_durable, another_kek)
