/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A database of an earlier version is opened and has everything; one of a later version is left alone. */
#include <stdio.h>
#include <unistd.h>
#include "reg/reg_audit.h"
#include "reg/reg_schema.h"
#include "reg/reg_usage.h"
#include "tests/unit/reg_world.h"
#include "tests/unit/suite.h"

#define IMPI "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"

static char path[] = "/tmp/reg_schema.XXXXXX/registry.sqlite";
static struct seal_kek kek;

static void run_file(const char *name)
{
	const char *src = getenv("srcdir");
	char file[512], *text = NULL;
	size_t len = 0;
	sqlite3 *sql;
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s", src ? src : ".", name);
	f = fopen(file, "r");
	ck_assert_msg(f != NULL, "%s", file);
	ck_assert_int_gt(getdelim(&text, &len, '\0', f), 0);
	fclose(f);
	ck_assert_int_eq(sqlite3_open(path, &sql), SQLITE_OK);
	ck_assert_msg(sql_exec(sql, text) == 0, "%s", sqlite3_errmsg(sql));
	sqlite3_close(sql);
	free(text);
}

static void begin(void)
{
	char *slash;

	strcpy(path, "/tmp/reg_schema.XXXXXX/registry.sqlite");
	slash = strrchr(path, '/');
	*slash = '\0';
	ck_assert_ptr_nonnull(mkdtemp(path));
	*slash = '/';
	kek = (struct seal_kek){ .id = 1 };
	kek.key = secret_of("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	reg_world_realm();
	run_file("tests/unit/reg_version_1.sql");
}

static void end(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".lock" };
	char name[128];

	reg_db_close(world);
	world = NULL;
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
	}
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

START_TEST(version_1_has_everything)
{
	struct reg_right rights[REG_GRANTS_MAX];
	char impi[REG_ID_MAX + 1];
	int64_t device = 0, rows;
	struct err err;

	world = reg_db_open(path, &kek, 1, &err);
	ck_assert_msg(world != NULL, "%s", err.text);
	ck_assert_int_eq(reg_db_find(world, &device, REG_MSISDN, "4917012345678"), 1);
	ck_assert_int_eq(reg_db_name_get(world, impi, device, REG_IMPI), 1);
	ck_assert_str_eq(impi, IMPI);
	ck_assert_int_eq(reg_rights(world, device, rights), 2);
	ck_assert_str_eq(rights[0].gsid, "1000001");
	ck_assert_str_eq(rights[0].uid, "cb632ad78267cd2d57e945028e9b40fb");
	ck_assert_str_eq(rights[1].asp, "other");
	reg_rights_clear(rights, 2);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM asp WHERE state = 'approved'"), 2);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM device WHERE length(name) = 32 AND state = 'active'"), 2);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM pseudonym"), 3);
	ck_assert_int_eq(reg_audit_verify(world, &rows, &err), 0);
	ck_assert_int_eq(rows, 11);
	ck_assert_int_eq(reg_schema_differs(world->sql), 0);
	reg_must(reg_operator, reg_app_register, "",
		 "{\"fqdn\": \"a.example.com\", \"asp\": \"new\", \"addresses\": [\"192.0.2.1/32\"]}");
	ck_assert_int_eq(reg_number("SELECT gsid FROM application WHERE fqdn = 'a.example.com'"),
			 1000005); /* 3 was one */
}
END_TEST

static void open_version_6(void)
{
	struct err err;

	unlink(path);
	run_file("tests/unit/reg_version_6.sql");
	world = reg_db_open(path, &kek, 1, &err);
	ck_assert_msg(world != NULL, "%s", err.text);
}

/* One state became words of each: the operator's, but for what a proof has suspended. */
START_TEST(version_6_says_who_has_suspended_what)
{
	struct reg_order *o;

	open_version_6();
	ck_assert_int_eq(reg_number("SELECT count(*) FROM device WHERE by_operator = state AND by_user = 'active'"), 3);
	ck_assert_int_eq(reg_number("SELECT count(*) FROM application WHERE state = 'suspended'"), 2);
	ck_assert_int_eq(reg_number("SELECT by_operator = 'suspended' FROM application WHERE fqdn LIKE 'held%'"), 1);
	ck_assert_int_eq(reg_number("SELECT by_operator = 'approved' FROM application WHERE fqdn LIKE 'lapsed%'"), 1);
	o = reg_give(reg_user("5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a"), reg_usage_list, REG_MATCH_NONE,
		     "{\"device\": \"00000000000000000000000000000002\"}");
	ck_assert_uint_eq(json_array_size(json_object_get(o->answer, "usage")), 0);
	reg_order_free(o);
}
END_TEST

START_TEST(a_later_version_is_left_alone)
{
	struct err err;
	sqlite3 *sql;

	ck_assert_int_eq(sqlite3_open(path, &sql), SQLITE_OK);
	sql_exec(sql, "PRAGMA user_version = 1000");
	sqlite3_close(sql);
	world = reg_db_open(path, &kek, 1, &err);
	ck_assert_ptr_null(world);
	ck_assert_msg(strstr(err.text, "made by a newer gba-regd") != NULL, "%s", err.text);
}
END_TEST

START_TEST(half_a_step_is_none)
{
	int64_t version = 0;
	struct err err;
	sqlite3 *sql;

	ck_assert_int_eq(sqlite3_open(path, &sql), SQLITE_OK);
	sql_exec(sql, "CREATE TABLE member (a)"); /* so that a later statement of the step fails */
	world = reg_db_open(path, &kek, 1, &err);
	ck_assert_ptr_null(world);
	ck_assert_int_eq(sql_int(sql, "PRAGMA user_version", &version), 0);
	ck_assert_int_eq(version, 1);
	ck_assert_int_eq(sql_int(sql, "SELECT count(*) FROM sqlite_master WHERE name = 'asp'", &version), 0);
	ck_assert_int_eq(version, 0);
	sqlite3_close(sql);
}
END_TEST

SUITE_WITH_FIXTURE("reg_schema", begin, end, version_1_has_everything, version_6_says_who_has_suspended_what,
		   a_later_version_is_left_alone, half_a_step_is_none)
