/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The policy directory as it is read: what has changed and what has not, what is there and what was, in whatever order. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>
#include "bsf/policy/naf_dir.h"
#include "tests/unit/suite.h"

static char folder[64];
static struct naf_dir *now;

static const char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	char beside[512];
	FILE *f;

	snprintf(beside, sizeof(beside), "%s/.new", folder);
	f = fopen(beside, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(rename(beside, path_of(name)), 0);
}

static void put_naf(const char *identity, const char *speaks_for)
{
	char name[256], text[256];

	snprintf(name, sizeof(name), "%s.naf", identity);
	snprintf(text, sizeof(text), "address 127.0.0.1\nspeaks-for %s\nrate 7\n", speaks_for);
	put(name, text);
}

static void look(void)
{
	struct naf_dir *d = NULL;
	struct err err = { "" };

	ck_assert_msg(naf_dir_read(&d, folder, now, &err) == 0, "%s", err.text);
	naf_dir_drop(now);
	now = d;
}

static const struct naf_file *file(const char *name, enum naf_file_state state)
{
	const struct naf_file *f = naf_dir_find(now, name);

	ck_assert_msg(f != NULL, "%s", name);
	ck_assert_msg(f->state == state, "%s: %d %s", name, f->state, f->why ? f->why : "");
	return f;
}

static void setup(void)
{
	strcpy(folder, "/tmp/naf_dir_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	now = NULL;
}

static void teardown(void)
{
	char command[128];

	naf_dir_drop(now);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

/* ctime cannot be set, so what is fresh here is made old in the object: the clock alone would do it */
static void all_old(void)
{
	for (size_t i = 0; i < now->n; i++)
		now->files[i]->fresh = false;
}

START_TEST(only_changed)
{
	const struct naf_file *a;
	struct rate *bucket;

	put_naf("a", "a.example");
	put_naf("b", "b.example");
	look();
	ck_assert_uint_eq(now->read, 2);
	ck_assert_uint_eq(now->in_state[NAF_FILE_GOOD], 2);
	all_old();
	a = file("a.naf", NAF_FILE_GOOD);
	bucket = a->naf.rate;
	look();
	ck_assert_uint_eq(now->read, 0);
	ck_assert_ptr_eq(file("a.naf", NAF_FILE_GOOD), a); /* shared with the table before */
	put_naf("a", "c.example");
	look();
	ck_assert_uint_eq(now->read, 1);
	ck_assert_str_eq(file("a.naf", NAF_FILE_GOOD)->naf.speaks_for.s[0], "c.example");
	ck_assert_ptr_eq(file("a.naf", NAF_FILE_GOOD)->naf.rate, bucket); /* what was used up stays so */
}
END_TEST

/* Written within the grain of the file system's clock, of the same size: the times say nothing, so it is read again. */
START_TEST(fresh_is_read_again)
{
	put_naf("a", "a.example");
	look();
	ck_assert(file("a.naf", NAF_FILE_GOOD)->fresh);
	look();
	ck_assert_uint_eq(now->read, 1);
}
END_TEST

START_TEST(bad_and_gone)
{
	const struct naf_file *f;

	put_naf("a", "a.example");
	put_naf("b", "b.example");
	look();
	put("a.naf", "rubbish\n");
	ck_assert_int_eq(unlink(path_of("b.naf")), 0);
	look();
	f = file("a.naf", NAF_FILE_BAD);
	ck_assert_str_eq(f->naf.identity, "a");
	ck_assert_str_eq(f->naf.refused, "line 1: unknown word 'rubbish'; allowed: the words of a naf node");
	ck_assert_str_eq(f->naf.speaks_for.s[0], "a.example"); /* its names stay its own */
	ck_assert_ptr_nonnull(f->peer);
	f = file("b.naf", NAF_FILE_GONE);
	ck_assert_str_eq(f->naf.refused, "has vanished");
	ck_assert_ptr_null(f->peer);
	put("a.naf", "worse\n");
	look();
	ck_assert_str_eq(file("a.naf", NAF_FILE_BAD)->naf.speaks_for.s[0], "a.example");
	look();
	file("b.naf", NAF_FILE_GONE);
	put_naf("b", "b.example");
	put_naf("a", "a.example");
	look();
	file("a.naf", NAF_FILE_GOOD);
	file("b.naf", NAF_FILE_GOOD);
	ck_assert_ptr_null(naf_dir_find(now, "c.naf"));
}
END_TEST

/* One that was never good has no names but its own. */
START_TEST(never_good)
{
	put("a.naf", "rubbish\n");
	look();
	ck_assert_uint_eq(file("a.naf", NAF_FILE_BAD)->naf.speaks_for.n, 0);
	ck_assert_int_eq(unlink(path_of("a.naf")), 0);
	look();
	file("a.naf", NAF_FILE_GONE);
}
END_TEST

START_TEST(what_is_not_read)
{
	put_naf("good", "g.example");
	ck_assert_int_eq(symlink("good.naf", path_of("link.naf")), 0);
	ck_assert_int_eq(mkfifo(path_of("fifo.naf"), 0600), 0);
	ck_assert_int_eq(mkdir(path_of("folder.naf"), 0700), 0);
	put("_.naf", "");
	put(".hidden.naf", "rubbish\n");
	put("x.new", "rubbish\n");
	put(".naf", "rubbish\n");
	look();
	ck_assert_uint_eq(now->n, 5);
	ck_assert_str_eq(file("link.naf", NAF_FILE_IGNORED)->why, "is a symbolic link");
	ck_assert_str_eq(file("fifo.naf", NAF_FILE_IGNORED)->why, "is no regular file");
	ck_assert_str_eq(file("folder.naf", NAF_FILE_IGNORED)->why, "is no regular file");
	ck_assert_ptr_nonnull(strstr(file("_.naf", NAF_FILE_IGNORED)->why, "no host name"));
	ck_assert_int_eq(unlink(path_of("link.naf")), 0);
	look();
	ck_assert_uint_eq(now->n, 4); /* of what was ignored nothing stays */
	/* one that is replaced by such a thing is no longer served, and refused with that word */
	ck_assert_int_eq(unlink(path_of("good.naf")), 0);
	ck_assert_int_eq(symlink("/nowhere", path_of("good.naf")), 0);
	look();
	ck_assert_str_eq(file("good.naf", NAF_FILE_GONE)->naf.refused, "is a symbolic link");
	ck_assert_int_eq(unlink(path_of("good.naf")), 0);
	look();
	ck_assert_str_eq(file("good.naf", NAF_FILE_GONE)->naf.refused, "has vanished");
}
END_TEST

START_TEST(folder_that_cannot_be_read)
{
	struct naf_dir *d = NULL;
	struct err err;

	put_naf("a", "a.example");
	ck_assert_int_eq(chmod(folder, 0777), 0);
	ck_assert_int_eq(naf_dir_read(&d, folder, NULL, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, "everybody may write into it"));
	ck_assert_int_eq(chmod(folder, 0700), 0);
	ck_assert_int_eq(naf_dir_read(&d, path_of("a.naf"), NULL, &err), -ENOTDIR);
	ck_assert_int_eq(naf_dir_read(&d, path_of("b"), NULL, &err), -ENOENT);
	ck_assert_ptr_null(d);
}
END_TEST

/* The same files, written in another order: the same. */
START_TEST(order)
{
	const char *names[] = { "c", "a", "b" };

	for (int i = 0; i < 3; i++)
		put_naf(names[(i + _i) % 3], names[(i + _i) % 3]);
	look();
	ck_assert_uint_eq(now->n, 3);
	ck_assert_str_eq(now->files[0]->name, "a.naf");
	ck_assert_str_eq(now->files[1]->name, "b.naf");
	ck_assert_str_eq(now->files[2]->name, "c.naf");
}
END_TEST

static bool is_problem(const struct policy *p, const char *text)
{
	for (size_t i = 0; i < p->problems.n; i++)
		if (strstr(p->problems.s[i], text))
			return true;
	return false;
}

static struct policy *table_of(const char *const *config, size_t n)
{
	struct policy *p = calloc(1, sizeof(*p));

	p->nafs = calloc(n + 1, sizeof(*p->nafs));
	p->peers = calloc(1, sizeof(*p->peers));
	for (size_t i = 0; i < n; i++) {
		p->nafs[i].identity = strdup(config[i]);
		p->nafs[i].via = strdup(config[i]);
		ck_assert_int_eq(names_add(&p->nafs[i].speaks_for, span_str(config[i]), 9), 0);
		ck_assert_int_eq(names_add(&p->nafs[i].speaks_for, span_str("shared.example"), 9), 0);
	}
	p->n_nafs = n;
	p->dir = naf_dir_hold(now);
	ck_assert_int_eq(policy_index(p), 0);
	return p;
}

/* Names and identities that two claim, whatever the names of their files */
START_TEST(claims)
{
	static const char *const config[] = { "cfg1.example", "cfg2.example", "x.wild.example" };
	struct policy *p;

	put_naf("a.example", _i ? "z.example" : "y.example");
	put_naf("b.example", _i ? "y.example" : "z.example");
	put_naf("c.example", "Y.EXAMPLE");
	put_naf("d.example", "*.wild.example");
	put_naf("A.example", "own.example");
	put_naf("cfg1.example", "mine.example");
	look();
	p = table_of(config, 3);
	ck_assert(policy_twice(p, "y.example"));
	ck_assert(!policy_twice(p, "z.example"));
	ck_assert(!policy_twice(p, "shared.example")); /* of the configuration alone */
	ck_assert(policy_twice(p, "x.wild.example"));  /* exactly, and by a wildcard */
	ck_assert(!policy_twice(p, "y.wild.example"));
	ck_assert(!policy_twice(p, "nobody.example"));
	ck_assert_ptr_nonnull(policy_naf(p, span_str("a.example"))->refused);
	ck_assert_ptr_nonnull(policy_naf(p, span_str("CFG1.example"))->refused);
	ck_assert_ptr_null(policy_naf(p, span_str("cfg2.example"))->refused);
	ck_assert_ptr_null(policy_naf(p, span_str("c.example"))->refused);
	ck_assert(is_problem(p, "claimed twice, in A.example.naf and in a.example.naf"));
	ck_assert(is_problem(p, "cfg1.example: claimed twice, in the configuration and in cfg1.example.naf"));
	ck_assert(is_problem(p, "needs TLS") == false);
	policy_free(p);
}
END_TEST

/* A NAF behind a peer needs that peer, and is no relay of it */
START_TEST(ways)
{
	struct policy *p;

	put_naf("peer.example", "peer.example");
	put("behind.example.naf", "via peer.example\nspeaks-for behind.example\n");
	put("lost.example.naf", "via nobody.example\nspeaks-for lost.example\n");
	look();
	p = table_of(NULL, 0);
	ck_assert_ptr_null(policy_naf(p, span_str("behind.example"))->refused);
	ck_assert_ptr_nonnull(policy_naf(p, span_str("lost.example"))->refused);
	ck_assert(is_problem(p, "via nobody.example: there is no such peer"));
	policy_free(p);
}
END_TEST

/* One that has gone does not stand in the way of who has its name now. */
START_TEST(gone_and_come_again)
{
	struct policy *p;

	put_naf("A.example", "a.example");
	look();
	ck_assert_int_eq(unlink(path_of("A.example.naf")), 0);
	put_naf("a.example", "a.example");
	look();
	file("A.example.naf", NAF_FILE_GONE);
	p = table_of(NULL, 0);
	ck_assert_ptr_null(policy_naf(p, span_str("a.example"))->refused);
	policy_free(p);
	ck_assert_int_eq(unlink(path_of("a.example.naf")), 0);
	look();
	p = table_of(NULL, 0);
	ck_assert_str_eq(policy_naf(p, span_str("a.example"))->refused, "has vanished");
	policy_free(p);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("policy directory");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, only_changed);
	tcase_add_test(tc, fresh_is_read_again);
	tcase_add_test(tc, bad_and_gone);
	tcase_add_test(tc, never_good);
	tcase_add_test(tc, what_is_not_read);
	tcase_add_test(tc, folder_that_cannot_be_read);
	tcase_add_loop_test(tc, order, 0, 3);
	tcase_add_loop_test(tc, claims, 0, 2);
	tcase_add_test(tc, ways);
	tcase_add_test(tc, gone_and_come_again);
	return suite_run_cases("naf_dir", &tc, 1);
}
