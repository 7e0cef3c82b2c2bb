/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-regd: the registry of a realm. Which applications there are, which devices may use them, and that it is so at BSF and HSS. */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <osmocom/core/timer.h>
#include <talloc.h>
#include "common/rt/cfg_file.h"
#include "common/rt/daemon.h"
#include "common/rt/kek_cfg.h"
#include "common/rt/kek_job.h"
#include "common/rt/log_cat.h"
#include "reg/api_cfg.h"
#include "reg/api_http.h"
#include "reg/reg_ahead.h"
#include "reg/reg_anchor.h"
#include "reg/reg_cfg.h"
#include "reg/reg_checkpoint.h"
#include "reg/reg_collector.h"
#include "reg/reg_control.h"
#include "reg/reg_inbox.h"
#include "reg/reg_keks.h"
#include "reg/reg_naf.h"
#include "reg/reg_names.h"
#include "reg/reg_profile.h"
#include "reg/reg_prover.h"
#include "reg/reg_sender.h"

#define ANCHOR_S 3600

static const char *const counters[] = { NULL };

static const struct rt_program program = {
	.name = "gba-regd",
	.summary = "registry of a GBA realm: applications, devices, grants",
	.counters = counters,
	.commands = reg_commands,
	.figures = reg_figures,
	.check = reg_cfg_verify,
};

static struct reg_work *writer, *reader;
static struct reg_prover *_Atomic prover;
static struct reg_collector *collector;
static struct reg_checkpoint *checkpoint;
static struct inbox *answers;
static char *database;
static struct osmo_timer_list hourly;

static void wake_all(void)
{
	for (size_t i = 0; i < reg_cfg.n_targets; i++) {
		if (reg_senders[i])
			reg_sender_wake(reg_senders[i]);
	}
	reg_prover_wake(prover);
}

/* --- the head of the audit, elsewhere */

static int anchor(struct reg_order *o, struct reg_db *db)
{
	struct reg_head head;
	struct err err;

	if (reg_anchor_write(&head, db, reg_cfg.anchor, &err) < 0)
		LOGT(DSTORE, LOGL_ERROR, "audit: its head cannot be kept elsewhere: %s\n", err.text);
	return 0;
}

static void on_hour(void *unused)
{
	reg_work_tell(reader, anchor, NULL, NULL);
	reg_work_tell(writer, reg_usage_expire, NULL, NULL);
	reg_work_tell(writer, reg_inbox_expire, NULL, NULL);
	osmo_timer_schedule(&hourly, ANCHOR_S, 0);
}

/* --- start and end */

static struct reg_db *one_more(struct err *err)
{
	struct err why = { "" };
	struct reg_db *db = reg_db_open_beside(database, reg_cfg.keks, reg_cfg.n_keks, &why);

	if (!db)
		cfg_error(err, -EINVAL, reg_cfg.database_line, "database %s", why.text);
	return db;
}

static struct reg_work *start_work(struct reg_db *db, void (*sends)(void), struct err *err)
{
	return db ? reg_work_start(db, sends, err) : NULL;
}

static int start_ahead(struct err *err)
{
	struct reg_db *db = one_more(err);

	return db ? reg_ahead_start(db, writer, err) : -EINVAL;
}

static int start_senders(struct err *err)
{
	for (size_t i = 0; i < reg_cfg.n_targets; i++) {
		struct reg_db *db = one_more(err);

		reg_senders[i] = db ? reg_sender_start(&reg_cfg.targets[i], db, writer, err) : NULL;
		if (!reg_senders[i])
			return -EINVAL;
	}
	return 0;
}

static int start_prover(struct err *err)
{
	struct reg_db *db = one_more(err);

	prover = db ? reg_prover_start(db, writer, err) : NULL;
	return prover ? 0 : -EINVAL;
}

static int start_collector(struct err *err)
{
	struct reg_db *db = one_more(err);

	collector = db ? reg_collector_start(db, writer, err) : NULL;
	return collector ? 0 : -EINVAL;
}

static void stop_all(void)
{
	reg_naf_stop();
	api_http_quiesce();
	for (size_t i = 0; i < reg_cfg.n_targets; i++)
		reg_sender_stop(reg_senders[i]);
	osmo_timer_del(&hourly);
	reg_prover_stop(prover);
	reg_collector_stop(collector);
	reg_ahead_stop();
	reg_work_stop(writer);
	reg_checkpoint_stop(checkpoint);
	reg_prover_free(prover);
	if (reader)
		reg_work_tell(reader, anchor, NULL, NULL);
	reg_work_stop(reader);
	api_http_stop();
	for (size_t i = 0; i < reg_cfg.n_targets; i++)
		reg_sender_free(reg_senders[i]);
	if (answers)
		inbox_close(answers);
}

/* Senders wait until the writer is there; the writer wakes none before they are. */
static int start_all(struct err *err)
{
	struct err why = { "" };
	struct reg_db *db = reg_db_open(database, reg_cfg.keks, reg_cfg.n_keks, &why);

	if (!db)
		return cfg_error(err, -EINVAL, reg_cfg.database_line, "database %s", why.text);
	answers = inbox_new(CTL_CONNECTIONS_MAX, NULL);
	if (!answers || inbox_attach(answers) < 0) {
		reg_db_close(db);
		return err_set(err, -ENOMEM, "no memory");
	}
	checkpoint = reg_checkpoint_start(db, database, err);
	if (!checkpoint) {
		reg_db_close(db);
		return -EINVAL;
	}
	writer = start_work(db, wake_all, err);
	if (!writer)
		return -EINVAL;
	reader = start_work(one_more(err), NULL, err);
	if (!reader || start_ahead(err) < 0 || start_senders(err) < 0 || start_prover(err) < 0 ||
	    start_collector(err) < 0)
		return -EINVAL;
	return reg_naf_start(reader, err);
}

static int regd_run(struct err *err)
{
	int rc;

	reg_names_init();
	rc = reg_anchor_open(reg_cfg.anchor_key, err);
	if (rc == 0)
		rc = start_all(err);
	kek_cfg_free(reg_cfg.keks);
	reg_control_init(writer, reader, answers);
	if (rc == 0)
		rc = api_http_start(writer, reader, err);
	if (rc == 0)
		rc = rt_vty_start(err);
	if (rc == 0) {
		osmo_timer_setup(&hourly, on_hour, NULL);
		on_hour(NULL);
		reg_work_tell(writer, reg_profile_started, NULL, NULL);
		reg_keks_init(writer, answers);
		rt_ready();
		rt_run();
	}
	kek_job_end();
	stop_all();
	reg_anchor_close();
	reg_names_free();
	return rc;
}

static int check_owner(const struct rt_args *args, struct err *err)
{
	char *folder = talloc_strdup(rt_ctx(), database);
	int rc = rt_owner_check(args, dirname(folder), reg_cfg.database_line, err);

	talloc_free(folder);
	return rc;
}

static int check_db(struct err *err)
{
	struct err why = { "" };
	int rc = reg_db_check(database, reg_cfg.keks, reg_cfg.n_keks, &why);

	return rc < 0 ? cfg_error(err, -EINVAL, reg_cfg.database_line, "database %s", why.text) : 0;
}

/* With --check a running daemon has them, which is no fault. */
static int check_ports(const struct rt_args *args, struct err *err)
{
	struct cfg_ports ports = { 0 };
	int rc = rt_held(args, api_cfg_probe(&ports, err), err);

	if (rc == 0)
		rc = rt_held(args, reg_naf_probe(&ports, err), err);
	cfg_ports_release(&ports);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = { { 0 } };
	struct rt_args args;
	int rc = rt_begin(&args, &program, argc, argv);

	if (rc >= 0)
		return rc;
	umask(077); /* also of what SQLite makes */
	reg_cfg_init();
	if (rt_config(&args) < 0)
		return 1;
	rc = reg_cfg_verify(&err);
	if (rc == 0)
		rc = kek_cfg_read(reg_cfg.keks, &reg_cfg.n_keks, &err);
	if (rc == 0) {
		database = cfg_path(rt_ctx(), reg_cfg.database);
		rc = check_owner(&args, &err);
	}
	if (rc == 0)
		rc = check_ports(&args, &err);
	if (rc == 0)
		rc = rt_vty_check(&args, &err);
	if (rc == 0 && args.check)
		rc = rt_checked(&args, check_db(&err));
	else if (rc == 0)
		rc = kek_cfg_pseudonyms(&reg_cfg.keks[0], &err);
	if (rc == 0 && !args.check)
		rc = regd_run(&err);
	rt_exit();
	kek_cfg_free(reg_cfg.keks);
	if (rc < 0)
		rt_fatal("%s", err.text);
	return rc < 0 || rt_failed();
}
