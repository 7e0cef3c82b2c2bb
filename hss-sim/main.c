/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-hss-simd: an HSS for GBA on the Zh reference point. */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <talloc.h>
#include <openssl/ssl.h>
#include "common/base/folder.h"
#include "common/rt/daemon.h"
#include "common/rt/kek_cfg.h"
#include "common/rt/kek_job.h"
#include "common/rt/dia_select.h"
#include "common/rt/tls_keep.h"
#include "common/rt/log_cat.h"
#include "hss-sim/fault_orders.h"
#include "hss-sim/hss_control.h"
#include "hss-sim/hss_keks.h"
#include "hss-sim/hss_vty.h"
#include "hss-sim/hss_vty_show.h"
#include "hss-sim/import.h"
#include "hss-sim/import_beside.h"
#include "hss-sim/provision.h"
#include "hss-sim/zh_server.h"

static const char *const counters[] = { "hss", "dia", NULL };

static struct hss_cfg *config; /* for checks while running */

static int check_config(struct err *err)
{
	return hss_cfg_verify(config, err);
}

/* Beside --import. */
static const char *opt_atomic, *opt_mnc_length, *opt_separation_bit, *opt_transport_keys;

static const struct rt_option options[] = {
	{ "atomic", NULL, "import in one transaction: all rows or none", &opt_atomic },
	{ "mnc-length", "N", "digits of the MNC, 2 or 3: an IMPI that the file lacks is made of the IMSI",
	  &opt_mnc_length },
	{ "clear-separation-bit", NULL, "take AMF 8000 as 0000", &opt_separation_bit },
	{ "transport-keys", "FILE", "keys under which columns of the file are encrypted", &opt_transport_keys },
	{ 0 },
};

static const struct rt_program program = {
	.name = "gba-hss-simd",
	.summary = "HSS simulator for GBA: Zh server, AuC, subscriber database",
	.import_help = "read subscribers from a CSV file into the database, and end",
	.options = options,
	.counters = counters,
	.commands = hss_commands,
	.figures = hss_figures,
	.check = check_config,
};

/* \returns NULL, errno and a reason in err */
static struct subscriber_db *open_db(const struct hss_cfg *cfg, enum subscriber_db_mode mode, struct err *err)
{
	struct err why = { { 0 } };
	char *path = cfg_path(NULL, cfg->database);
	struct subscriber_db *db = subscriber_db_open(path, cfg->keks, cfg->n_keks, mode, &why);
	int rc = errno;

	talloc_free(path);
	if (!db)
		cfg_error(err, -EINVAL, cfg->database_line, "database %s", why.text);
	errno = rc;
	return db;
}

/* A database that is not there yet is no fault: the start creates it. Its folder must be there. */
static int check_db(const struct hss_cfg *cfg, struct err *err)
{
	char *path = cfg_path(NULL, cfg->database), *slash;
	struct subscriber_db *db;
	const char *why;
	int rc = 0;

	if (access(path, F_OK) == 0) {
		db = open_db(cfg, SUBSCRIBER_DB_CHECK, err);
		rc = db ? 0 : -errno;
		subscriber_db_close(db);
	} else {
		slash = strrchr(path, '/');
		if (slash && slash != path)
			*slash = '\0';
		why = folder_open_to(path);
		if (why)
			rc = cfg_error(err, -EPERM, cfg->database_line, "database: %s: %s; allowed: " FOLDER_OURS, path,
				       why);
		else if (access(path, W_OK) != 0)
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

/* What of the command line belongs to an import alone. \returns the first that is there without one */
static const char *without_import(const struct rt_args *a)
{
	for (const struct rt_option *o = options; o->name && !a->import; o++) {
		if (*o->value)
			return o->name;
	}
	return NULL;
}

static int import_options(struct import_options *o, const struct hss_cfg *cfg, struct transport_keys *keys,
			  struct err *err)
{
	*o = (struct import_options){
		.csv = { .clear_separation_bit = opt_separation_bit != NULL, .allow_test = cfg->rules.allow_test },
		.atomic = opt_atomic != NULL,
		.ind_from = cfg->rules.ind_from,
		.ind_to = cfg->rules.ind_to,
	};
	if (opt_mnc_length) {
		if (strcmp(opt_mnc_length, "2") != 0 && strcmp(opt_mnc_length, "3") != 0)
			return err_set(err, -EINVAL, "--mnc-length %s; allowed: 2 or 3", opt_mnc_length);
		o->csv.mnc_len = opt_mnc_length[0] - '0';
	}
	if (!opt_transport_keys)
		return 0;
	o->csv.transport = keys;
	return transport_keys_read(keys, opt_transport_keys, err);
}

static int do_import(const struct hss_cfg *cfg, const char *csv, struct err *err)
{
	struct transport_keys keys = { 0 };
	struct import_beside beside = { .daemon.fd = -1 };
	struct import_options o;
	struct subscriber_db *db;
	int rc = import_options(&o, cfg, &keys, err);

	if (rc < 0)
		return rc;
	db = open_db(cfg, SUBSCRIBER_DB_RUN, err);
	if (!db && import_beside_begin(&beside, &o, -errno, err) == 0)
		db = open_db(cfg, SUBSCRIBER_DB_BESIDE, err);
	rt_signals_default();
	rc = db ? import_csv(db, csv, &o, err) : -EINVAL;
	subscriber_db_close(db);
	transport_keys_clear(&keys);
	import_beside_end(&beside);
	return rc;
}

/* The one hub of this process, on main's own loop. */
static struct dia_loop *dia;
static struct dia_hub *hub;
static SSL_CTX *tls; /* NULL: no TLS */

static int use_tls(void *unused, SSL_CTX *ctx)
{
	dia_hub_tls(hub, ctx);
	return 0;
}

static int start_diameter(const struct hss_cfg *cfg, struct zh_server *zh, struct err *err)
{
	struct dia_hub_cfg c = {
		.services = zh_serve(zh),
		.n_services = 1,
		.tls = tls,
		.cb = { .event = dia_select_event, .admit = hss_peers_accept, .security = hss_peers_security },
	};
	int rc = hss_peers_publish(cfg);

	if (rc < 0)
		return err_set(err, rc, "no memory");
	dia_node_hub(&cfg->dia, &c);
	hss_peers_say_plain(cfg);
	dia = dia_loop_new();
	hub = dia ? dia_hub_new(dia, &c) : NULL;
	if (!hub || !dia_select_new(rt_ctx(), dia))
		return err_set(err, -ENOMEM, "diameter: no memory");
	hss_vty_show_hub(hub);
	zh->hub = hub;
	tls_keep_begin(tls, &cfg->dia.tls, cfg->dia.identity, use_tls, NULL);
	tls = NULL;
	return dia_hub_listen(hub, err);
}

static void stop_diameter(struct zh_server *zh)
{
	hss_vty_show_hub(NULL);
	zh->hub = NULL;
	tls_keep_end();
	if (hub)
		dia_select_stop(dia, hub);
	hub = NULL;
}

/* \param[in] beside taken */
static int run(struct hss_cfg *cfg, struct subscriber_db *db, struct subscriber_db *beside, struct err *err)
{
	struct provision *changes;
	static struct zh_server zh;
	char *path = cfg_path(rt_ctx(), cfg->database);
	int rc = zh_server_init(&zh, rt_ctx(), db, &cfg->rules, &cfg->faults, &cfg->slf);

	if (rc < 0)
		err_set(err, rc, "no memory");
	else
		zh.writer = mark_writer_start(path, zh.inbox, zh_server_mark_done, err);
	if (!zh.writer) {
		subscriber_db_close(beside);
		return -EIO;
	}
	hss_vty_show_attach(db, zh.cache);
	changes = provision_start(beside, zh.inbox, zh.cache, &cfg->rules, err);
	if (!changes)
		rc = -EIO;
	hss_control_init(db, &zh, changes);
	hss_vty_provision_attach(changes);
	fault_orders_init(&zh);
	if (rc == 0)
		rc = start_diameter(cfg, &zh, err);
	if (rc == 0)
		rc = rt_vty_start(err);
	if (rc == 0) {
		hss_keks_init(changes);
		rt_ready();
		rt_run();
	}
	kek_job_end();
	/* What is in work is dropped: its BSF asks again elsewhere or later. */
	hss_vty_show_attach(NULL, NULL);
	fault_orders_init(NULL);
	hss_vty_provision_attach(NULL);
	zh_server_drop_all(&zh);
	stop_diameter(&zh);
	provision_stop(changes);
	inbox_close(zh.inbox);
	mark_writer_stop(zh.writer);
	zh_server_clear(&zh);
	return rc;
}

static int main_serve(const struct rt_args *a, struct hss_cfg *cfg, struct err *err)
{
	struct subscriber_db *db, *beside;
	int rc = dia_node_probe(a, &cfg->dia, err);

	if (rc < 0)
		return rc;
	db = open_db(cfg, SUBSCRIBER_DB_RUN, err);
	beside = db ? open_db(cfg, SUBSCRIBER_DB_BESIDE, err) : NULL;
	if (!beside) {
		subscriber_db_close(db);
		return -EINVAL;
	}
	rc = kek_cfg_pseudonyms(&cfg->keks[0], err);
	kek_cfg_free(cfg->keks);
	if (rc == 0)
		rc = run(cfg, db, beside, err);
	else
		subscriber_db_close(beside);
	subscriber_db_close(db);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = { { 0 } };
	struct rt_args args;
	struct hss_cfg *cfg;
	int rc = rt_begin(&args, &program, argc, argv);

	if (rc >= 0)
		return rc;
	if (without_import(&args)) {
		rt_fatal("--%s without --import", without_import(&args));
		return 2;
	}
	cfg = config = hss_cfg_new(rt_ctx());
	hss_vty_init(cfg);
	if (rt_config(&args) < 0)
		return 1;
	rc = hss_cfg_verify(cfg, &err);
	if (rc == 0)
		rc = kek_cfg_read(cfg->keks, &cfg->n_keks, &err);
	if (rc == 0 && !args.import)
		rc = tls_cfg_open(&tls, &cfg->dia.tls, NULL, &err);
	if (rc == 0 && !args.check)
		rc = check_owner(&args, cfg, &err);
	if (rc == 0 && args.check) {
		rc = dia_node_probe(&args, &cfg->dia, &err);
		if (rc == 0)
			rc = rt_checked(&args, rt_held(&args, check_db(cfg, &err), &err));
	} else if (rc == 0 && args.import) {
		rc = do_import(cfg, args.import, &err);
	} else if (rc == 0) {
		rc = main_serve(&args, cfg, &err);
	}
	SSL_CTX_free(tls);
	rt_exit();
	kek_cfg_free(cfg->keks);
	if (rc < 0)
		rt_fatal("%s", err.text);
	return rc < 0 || rt_failed();
}
