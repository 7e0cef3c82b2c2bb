/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Fill a database of gba-regd that is not running: devices 1..N with an IMPI each, applications of a tenth as many providers, and as
 * many grants for each device. Applications and devices by the registry's own code; grants, which are many, by one statement, without
 * rows of the audit.
 *
 * reg_fill DATABASE KEK-FILE DEVICES APPLICATIONS GRANTS-EACH */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "reg/reg_cfg.h"
#include "reg/reg_names.h"
#include "reg/reg_orders.h"
#include "reg/reg_rows.h"

#define IN_ONE 50000 /* rows of a transaction */

static void die(const char *what, struct reg_db *db)
{
	fprintf(stderr, "reg_fill: %s: %s\n", what, db ? sqlite3_errmsg(db->sql) : "");
	exit(1);
}

static void exec(struct reg_db *db, const char *text)
{
	if (sql_exec(db->sql, text) < 0)
		die(text, db);
}

static void between(struct reg_db *db, long n)
{
	if (n % IN_ONE == 0)
		exec(db, n ? "COMMIT; BEGIN" : "BEGIN");
}

static void add_application(struct reg_db *db, long n, long providers)
{
	char asp[32], fqdn[64];
	struct reg_order *o;

	snprintf(asp, sizeof(asp), "provider-%ld", n % providers);
	snprintf(fqdn, sizeof(fqdn), "app-%06ld.provider-%ld.example.net", n, n % providers);
	o = reg_order_new(reg_app_add, json_pack("{sssss[s]}", "asp", asp, "fqdn", fqdn, "addresses", "127.0.0.1/32"));
	if (o)
		o->caller.role = REG_OPERATOR;
	if (!o || o->work(o, db) < 0)
		die(o && o->err.text[0] ? o->err.text : "an application", db);
	reg_order_free(o);
}

static void add_device(struct reg_db *db, long n)
{
	char name[REG_NAME + 1], impi[80];

	snprintf(impi, sizeof(impi), "00101%010ld@ims.mnc001.mcc001.3gppnetwork.org", n + 1);
	if (reg_name_make(name) < 0 ||
	    reg_db_do(db, "INSERT INTO device (id, name, guss_at, since, rev) VALUES (?1, ?2, 0, 0, 1)", "it", n + 1,
		      name) < 0 ||
	    reg_db_name(db, n + 1, REG_IMPI, impi) < 0)
		die("a device", db);
}

/* Device d has applications d, d + 7919, ...: each application has as many. */
#define PAIRS \
	"WITH RECURSIVE d(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM d WHERE n < ?1)," \
	" g(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM g WHERE n < ?2 - 1)," \
	" pair(device, app) AS (SELECT d.n, 1 + (d.n - 1 + g.n * 7919) % ?3 FROM d, g) "

/* All at once: the index by application is made behind them, since rows in the order of their key are ten times as fast. */
static void add_grants(struct reg_db *db, long devices, long applications, long each)
{
	exec(db, "BEGIN; DROP INDEX granted_of_app");
	if (reg_db_do(db,
		      PAIRS "INSERT OR IGNORE INTO pseudonym (device, asp, value) SELECT p.device, a.asp,"
			    " lower(hex(randomblob(16))) FROM pair p JOIN application a ON a.id = p.app",
		      "iii", devices, each, applications) < 0 ||
	    reg_db_do(db, PAIRS "INSERT INTO granted (device, app, since) SELECT device, app, 0 FROM pair", "iii",
		      devices, each, applications) < 0)
		die("grants", db);
	exec(db, "CREATE INDEX granted_of_app ON granted (app, device); COMMIT");
}

int main(int argc, char **argv)
{
	struct seal_kek kek = { .id = 1 };
	struct err err = { "" };
	char where[] = "bsf.example.org"; /* of a naf.conf that nobody reads */
	struct reg_db *db;
	long devices, applications, each;

	if (argc != 6)
		die("usage: reg_fill DATABASE KEK-FILE DEVICES APPLICATIONS GRANTS-EACH", NULL);
	if (secret_read_file(&kek.key, SEAL_KEK_LEN, argv[2], err.text, sizeof(err.text)))
		die(err.text, NULL);
	devices = atol(argv[3]);
	applications = atol(argv[4]);
	each = atol(argv[5]);
	reg_names_init();
	reg_cfg.realm = (struct reg_realm){ .bsf_address = where, .bsf_identity = where, .bsf_realm = where };
	db = reg_db_open(argv[1], &kek, 1, &err);
	if (!db)
		die(err.text, NULL);
	exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000"); /* kibibytes */
	for (long n = 0; n < applications; n++) {
		between(db, n);
		add_application(db, n, applications / 10 + 1);
	}
	exec(db, "COMMIT");
	for (long n = 0; n < devices; n++) {
		between(db, n);
		add_device(db, n);
	}
	exec(db, "COMMIT");
	add_grants(db, devices, applications, each);
	exec(db, "PRAGMA journal_mode = WAL");
	reg_db_close(db);
	reg_names_free();
	return 0;
}
