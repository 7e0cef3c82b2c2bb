/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/unit/reg_world.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "reg/reg_cfg.h"

struct reg_db *world;
const struct reg_caller reg_operator = { REG_OPERATOR, 0, "operator" }, reg_anyone = { REG_ANYONE, 0, "anyone" };

static char folder[64];

void reg_world_realm(void)
{
	static char bsf[] = "bsf.mnc001.mcc001.pub.3gppnetwork.org", address[] = "127.0.0.1",
		    identity[] = "bsf.example", realm[] = "example", names[2][8] = { "bsf-1", "hss-1" };

	reg_cfg.realm = (struct reg_realm){ { bsf }, 1, address, identity, realm, 60, { NULL }, 0 };
	reg_cfg.n_targets = 2;
	for (size_t i = 0; i < 2; i++)
		reg_cfg.targets[i] = (struct reg_target){ .name = names[i], .is_hss = i == 1 };
}

void reg_world_begin(void)
{
	struct seal_kek kek = { .id = 1, .key = { .len = SEAL_KEK_LEN } };
	char path[128];
	struct err err;

	reg_world_realm();
	strcpy(folder, "/tmp/reg_world.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/registry.sqlite", folder);
	world = reg_db_open(path, &kek, 1, &err);
	ck_assert_msg(world != NULL, "%s", err.text);
	sql_exec(world->sql, "PRAGMA synchronous = OFF");
}

void reg_world_end(void)
{
	char path[512];
	struct dirent *e;
	DIR *d;

	reg_db_close(world);
	world = NULL;
	d = opendir(folder);
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		unlink(path);
	}
	closedir(d);
	rmdir(folder);
}

static struct reg_caller caller(enum reg_role role, const char *name, const char *sql)
{
	struct reg_caller c = { .role = role };

	ck_assert_int_eq(reg_db_int(world, &c.id, sql, "t", name), 1);
	snprintf(c.name, sizeof(c.name), "%s", name);
	return c;
}

struct reg_caller reg_asp(const char *name)
{
	return caller(REG_ASP, name, "SELECT id FROM asp WHERE name = ?1");
}

struct reg_caller reg_user(const char *name)
{
	return caller(REG_USER, name, "SELECT id FROM user WHERE name = ?1");
}

static json_t *__attribute__((format(printf, 1, 0))) json_of(const char *fmt, va_list ap)
{
	json_error_t e;
	char *text;
	json_t *in;

	ck_assert_int_ge(vasprintf(&text, fmt, ap), 0);
	in = json_loads(text, 0, &e);
	ck_assert_msg(in != NULL, "%s: %s", text, e.text);
	free(text);
	return in;
}

static struct reg_order *run(struct reg_caller c, reg_work_fn *work, int64_t if_match, json_t *in)
{
	struct reg_order *o = reg_order_new(work, in);

	ck_assert_ptr_nonnull(o);
	o->caller = c;
	o->if_match = if_match;
	ck_assert_int_eq(sql_exec(world->sql, "SAVEPOINT one"), 0);
	o->rc = work(o, world);
	if (o->rc < 0)
		sql_exec(world->sql, "ROLLBACK TO one");
	sql_exec(world->sql, "RELEASE one");
	if (o->rc < 0 && !o->err.text[0])
		ck_abort_msg("database: %s", sqlite3_errmsg(world->sql));
	return o;
}

struct reg_order *reg_give(struct reg_caller c, reg_work_fn *work, int64_t if_match, const char *in, ...)
{
	struct reg_order *o;
	va_list ap;

	va_start(ap, in);
	o = run(c, work, if_match, json_of(in, ap));
	va_end(ap);
	return o;
}

const char *reg_must(struct reg_caller c, reg_work_fn *work, const char *member, const char *in, ...)
{
	static char kept[8][128];
	static unsigned at;
	char *out = kept[at++ % 8];
	const char *text;
	struct reg_order *o;
	va_list ap;

	va_start(ap, in);
	o = run(c, work, REG_MATCH_NONE, json_of(in, ap));
	va_end(ap);
	ck_assert_msg(o->rc >= 0, "%s", o->err.text);
	text = json_string_value(json_object_get(o->answer, member));
	snprintf(out, sizeof(kept[0]), "%s", text ? text : "");
	reg_order_free(o);
	return out;
}

enum ctl_word reg_refused(struct reg_caller c, reg_work_fn *work, const char *said, const char *in, ...)
{
	int64_t before = reg_number("SELECT count(*) + (SELECT n FROM revision) FROM audit");
	enum ctl_word word;
	struct reg_order *o;
	va_list ap;

	va_start(ap, in);
	o = run(c, work, REG_MATCH_NONE, json_of(in, ap));
	va_end(ap);
	ck_assert_msg(o->rc < 0, "it was done");
	ck_assert_msg(strstr(o->err.text, said) != NULL, "%s", o->err.text);
	ck_assert_int_eq(reg_number("SELECT count(*) + (SELECT n FROM revision) FROM audit"), before);
	word = o->word;
	reg_order_free(o);
	return word;
}

int64_t reg_number(const char *sql)
{
	int64_t n = 0;

	ck_assert_msg(reg_db_int(world, &n, sql, "") == 1, "%s", sql);
	return n;
}
