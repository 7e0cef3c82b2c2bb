/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-hss-simd: an HSS for GBA on the Zh reference point. */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <talloc.h>
#include "common/dia/dia_tx.h"
#include "common/rt/daemon.h"
#include "common/rt/dia_watch.h"
#include "common/rt/log_cat.h"
#include "common/rt/pseudonym.h"
#include "hss-sim/hss_vty.h"
#include "hss-sim/hss_vty_show.h"
#include "hss-sim/import.h"
#include "hss-sim/zh_server.h"

#define ANSWERS_WAITING_MAX 16384 /* above what can be in work */

static const char *const counters[] = { "hss", "dia", NULL };

static struct hss_cfg *config; /* for checks while running */

static int check_config(struct err *err)
{
	return hss_cfg_verify(config, err);
}

static const struct rt_program program = {
	.name = "gba-hss-simd",
	.summary = "HSS simulator for GBA: Zh server, AuC, subscriber database",
	.import_help = "read subscribers from a CSV file into the database, all or nothing, and end",
	.counters = counters,
	.check = check_config,
};

static struct subscriber_db *open_db(const struct hss_cfg *cfg, enum subscriber_db_mode mode, struct err *err)
{
	struct err why = { { 0 } };
	char *path = cfg_path(NULL, cfg->database);
	struct subscriber_db *db = subscriber_db_open(path, cfg->keks, cfg->n_keks, mode, &why);

	talloc_free(path);
	if (!db)
		cfg_error(err, -EINVAL, cfg->database_line, "database %s", why.text);
	return db;
}

/* Before anything is created or changed. */
static int probe_ports(const struct rt_args *a, const struct hss_cfg *cfg, struct err *err)
{
	struct cfg_ports ports = { 0 };
	int rc = 0;

	for (size_t i = 0; i < cfg->n_listen && rc == 0; i++)
		rc = rt_held(a, cfg_ports_take(&ports, &cfg->listen[i], cfg->listen_line[i], "diameter", err), err);
	if (rc == 0)
		rc = rt_vty_check(a, err);
	cfg_ports_release(&ports);
	return rc;
}

/* A database that is not there yet is no fault: the start creates it. Its folder must be there. */
static int check_db(const struct hss_cfg *cfg, struct err *err)
{
	char *path = cfg_path(NULL, cfg->database), *slash;
	struct subscriber_db *db;
	int rc = 0;

	if (access(path, F_OK) == 0) {
		db = open_db(cfg, SUBSCRIBER_DB_CHECK, err);
		rc = db ? 0 : -EINVAL;
		subscriber_db_close(db);
	} else {
		slash = strrchr(path, '/');
		if (slash && slash != path)
			*slash = '\0';
		if (access(path, W_OK) != 0)
			rc = cfg_error(err, -errno, cfg->database_line, "database: folder %s: %s", path,
				       strerror(errno));
	}
	talloc_free(path);
	return rc;
}

static int check_owner(const struct rt_args *args, const struct hss_cfg *cfg, struct err *err)
{
	char *path = cfg_path(NULL, cfg->database);
	int rc = rt_owner_check(args, dirname(path), cfg->database_line, err);

	talloc_free(path);
	return rc;
}

static int do_import(const struct hss_cfg *cfg, const char *csv, struct err *err)
{
	struct subscriber_db *db = open_db(cfg, SUBSCRIBER_DB_RUN, err);
	int rc;

	if (!db)
		return -EINVAL;
	rt_signals_default();
	rc = import_csv(db, csv, err);
	subscriber_db_close(db);
	return rc;
}

static int start_diameter(const struct hss_cfg *cfg, struct zh_server *zh, struct err *err)
{
	struct dia_cfg dia = {
		.identity = cfg->identity,
		.realm = cfg->realm,
		.n_listen = cfg->n_listen,
		.tc_s = cfg->tc_s,
		.tw_s = cfg->tw_s,
		.cb = { .accept = hss_peers_accept },
	};
	size_t i;
	int rc;

	for (i = 0; i < cfg->n_listen; i++)
		dia.listen[i].addr = cfg->listen[i];
	dia_watch(&dia.cb);
	rc = hss_peers_publish(cfg);
	if (rc == 0)
		rc = dia_core_init(&dia, err);
	if (rc < 0)
		return rc;
	if (zh_server_serve(zh) < 0)
		return err_set(err, -EINVAL, "diameter: application Zh cannot be served");
	rc = dia_tx_start(ANSWERS_WAITING_MAX);
	if (rc < 0)
		return err_set(err, rc, "diameter: no thread to send");
	return dia_core_start(err);
}

static int run(struct hss_cfg *cfg, struct subscriber_db *db, struct err *err)
{
	static struct zh_server zh;
	char *path = cfg_path(rt_ctx(), cfg->database);
	int rc = zh_server_init(&zh, rt_ctx(), db, &cfg->faults);

	if (rc < 0)
		return err_set(err, rc, "no memory");
	zh.writer = mark_writer_start(path, zh.inbox, zh_server_mark_done, err);
	if (!zh.writer)
		return -EIO;
	hss_vty_show_attach(db, zh.cache);
	rc = start_diameter(cfg, &zh, err);
	if (rc == 0)
		rc = rt_vty_start(err);
	if (rc == 0) {
		rt_ready();
		rt_run();
	}
	/* What is in work is dropped: its BSF asks again elsewhere or later. */
	hss_vty_show_attach(NULL, NULL);
	zh_server_drop_all(&zh);
	inbox_close(zh.inbox);
	dia_tx_stop();
	dia_core_stop();
	mark_writer_stop(zh.writer);
	zh_server_clear(&zh);
	return rc;
}

static int main_serve(const struct rt_args *a, struct hss_cfg *cfg, struct err *err)
{
	struct subscriber_db *db;
	int rc = probe_ports(a, cfg, err);

	if (rc < 0)
		return rc;
	db = open_db(cfg, SUBSCRIBER_DB_RUN, err);
	if (!db)
		return -EINVAL;
	rc = pseudonym_init(&cfg->keks[0].key);
	hss_cfg_wipe(cfg);
	rc = rc < 0 ? err_set(err, rc, "no pseudonyms for the log") : run(cfg, db, err);
	subscriber_db_close(db);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = { { 0 } };
	struct rt_args args;
	struct hss_cfg *cfg;
	int rc = rt_args(&args, &program, argc, argv);

	if (rc >= 0)
		return rc;
	rc = rt_init(&program);
	if (rc < 0) {
		rt_fatal("cannot start: %s", strerror(-rc));
		return 1;
	}
	cfg = config = hss_cfg_new(rt_ctx());
	hss_vty_init(cfg);
	if (rt_config(&args) < 0)
		return 1;
	rc = hss_cfg_verify(cfg, &err);
	if (rc == 0 && !args.check)
		rc = check_owner(&args, cfg, &err);
	if (rc == 0 && args.check) {
		rc = probe_ports(&args, cfg, &err);
		if (rc == 0)
			rc = rt_checked(&args, rt_held(&args, check_db(cfg, &err), &err));
	} else if (rc == 0 && args.import) {
		rc = do_import(cfg, args.import, &err);
	} else if (rc == 0) {
		rc = main_serve(&args, cfg, &err);
	}
	rt_exit();
	hss_cfg_wipe(cfg);
	if (rc < 0)
		rt_fatal("%s", err.text);
	return rc < 0 || rt_failed();
}
