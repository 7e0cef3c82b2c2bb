/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Who may write into a folder: by mode, by group and by owner. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/base/folder.h"
#include "tests/unit/suite.h"

static char dir[] = "/tmp/gba-folder-XXXXXX", file[64];

static void make(void)
{
	strcpy(dir, "/tmp/gba-folder-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/name", dir);
}

static void expect(const char *why)
{
	const char *got[] = { folder_open_to(dir), folder_of_open_to(file) };

	for (int i = 0; i < 2; i++)
		ck_assert_msg(why ? got[i] && strstr(got[i], why) : !got[i], "%s", got[i] ? got[i] : "(ours)");
}

START_TEST(by_mode)
{
	static const struct {
		mode_t mode;
		const char *why;
	} cases[] = { { 0700, NULL },        { 0755, NULL },         { 0775, NULL },       { 0500, NULL },
		      { 0777, "everybody" }, { 01777, "everybody" }, { 0702, "everybody" } };

	make();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(chmod(dir, cases[i].mode), 0);
		expect(cases[i].why);
	}
	ck_assert_int_eq(rmdir(dir), 0);
	expect(NULL); /* not there: told by who opens it */
	ck_assert_ptr_null(folder_of_open_to("name_in_this_folder"));
}
END_TEST

/* What another user sees of it: exit status 1 if it is not his. */
static int as_nobody(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
			_exit(2);
		_exit(folder_open_to(dir) != NULL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

START_TEST(by_owner)
{
	if (geteuid() != 0)
		return; /* needs two users */
	make();
	ck_assert_int_eq(chmod(dir, 0775), 0);
	ck_assert_int_eq(chown(dir, 0, 65534), 0);
	expect("a group");
	ck_assert_int_eq(as_nobody(), 0);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	expect(NULL);
	ck_assert_int_eq(chown(dir, 1, 1), 0);
	expect(NULL); /* the daemon's, and root looks */
	ck_assert_int_eq(as_nobody(), 1);
	ck_assert_int_eq(chown(dir, 65534, 1), 0);
	ck_assert_int_eq(as_nobody(), 0);
	rmdir(dir);
}
END_TEST

SUITE("folder", by_mode, by_owner)
