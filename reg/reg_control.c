/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/base/hex.h"
#include "reg/reg_audit.h"
#include "reg/reg_cfg.h"
#include "reg/reg_orders.h"
#include "reg/reg_outbox.h"

static struct reg_work *writer, *reader;
static _Atomic(struct reg_sender *) *senders;

void reg_control_init(struct reg_work *w, struct reg_work *r, _Atomic(struct reg_sender *) *s)
{
	writer = w;
	reader = r;
	senders = s;
}

void reg_figures(json_t *into)
{
	json_t *list = json_array();

	for (size_t i = 0; senders && i < reg_cfg.n_targets; i++) {
		json_t *o = json_pack("{ss}", "target", reg_cfg.targets[i].name);

		reg_sender_state(senders[i], o);
		json_array_append_new(list, o);
	}
	json_object_set_new(into, "targets", list);
}

static int outbox(struct reg_order *o, struct reg_db *db)
{
	json_t *list = json_array();

	for (size_t i = 0; i < reg_cfg.n_targets; i++) {
		json_t *t = reg_outbox_json(db, reg_cfg.targets[i].name);

		if (!t) {
			json_decref(list);
			return -EIO;
		}
		reg_sender_state(senders[i], t);
		json_array_append_new(list, t);
	}
	o->answer = json_pack("{so}", "targets", list);
	return 0;
}

/* --- audit */

static int audit_anchor(struct reg_order *o, struct reg_db *db)
{
	char hash[2 * REG_HASH + 1];
	struct reg_head head;
	int rc = reg_audit_anchor(&head, db, reg_cfg.anchor, &o->err);

	if (rc < 0) {
		o->word = CTL_FAILED;
		return rc;
	}
	hex_encode(hash, sizeof(hash), head.hash, REG_HASH);
	o->answer = json_pack("{sIss}", "row", (json_int_t)head.seq, "hash", hash);
	return 0;
}

static int audit_verify(struct reg_order *o, struct reg_db *db)
{
	int64_t rows, anchors;
	int rc = reg_audit_verify(db, reg_cfg.anchor, &rows, &anchors, &o->err);

	if (rc < 0) {
		o->word = CTL_FAILED;
		return rc;
	}
	o->answer = json_pack("{sIsI}", "rows", (json_int_t)rows, "anchored", (json_int_t)anchors);
	return 0;
}

static int audit_show(struct reg_order *o, struct reg_db *db)
{
	const char *behind = ctl_arg(o->q, 0);
	json_t *list = json_array(), *row = NULL;
	sqlite3_stmt *q;
	int64_t seq = 0;
	size_t n = 0;
	int rc =
		reg_db_ask(db, &q, "SELECT seq, json FROM audit WHERE seq > CAST(?1 AS INTEGER) ORDER BY seq LIMIT 100",
			   "t", behind ? behind : "0");

	for (int got = rc > 0 ? SQLITE_ROW : SQLITE_DONE; got == SQLITE_ROW; got = sqlite3_step(q), n++) {
		row = json_loads((const char *)sqlite3_column_text(q, 1), 0, NULL);
		seq = sqlite3_column_int64(q, 0);
		json_object_set_new(row, "row", json_integer(seq));
		json_array_append_new(list, row);
	}
	if (rc > 0)
		sqlite3_finalize(q);
	o->answer = json_pack("{so}", "audit", list);
	if (n == 100)
		json_object_set_new(o->answer, "next", json_sprintf("%lld", (long long)seq));
	return rc < 0 ? rc : 0;
}

/* --- a copy of the database while it is used */

static int backup(struct reg_order *o, struct reg_db *db)
{
	const char *path = ctl_arg(o->q, 0);
	struct stat st;
	int rc;

	if (*path != '/' || lstat(path, &st) == 0)
		return reg_refuse(o, -EEXIST, CTL_INVALID,
				  "allowed: the absolute path of a file that is not there yet");
	rc = reg_db_do(db, "VACUUM INTO ?1", "t", path);
	if (rc < 0)
		return reg_refuse(o, rc, CTL_FAILED, "no copy: %s", sqlite3_errmsg(db->sql));
	if (stat(path, &st) < 0)
		return reg_refuse(o, -EIO, CTL_FAILED, "no copy: %s", strerror(errno));
	o->answer = json_pack("{sI}", "octets", (json_int_t)st.st_size);
	return 0;
}

/* --- who does it */

#define GIVE(name, thread, order) \
	static void name(struct ctl_request *q) \
	{ \
		reg_work_give(thread, q, order); \
	}

GIVE(run_app_add, writer, reg_app_add)
GIVE(run_app_conf, reader, reg_app_conf)
GIVE(run_app_show, reader, reg_app_show)
GIVE(run_app_list, reader, reg_app_list)
GIVE(run_app_delete, writer, reg_app_delete)
GIVE(run_device_add, writer, reg_device_add)
GIVE(run_device_show, reader, reg_device_show)
GIVE(run_device_delete, writer, reg_device_delete)
GIVE(run_grant, writer, reg_grant)
GIVE(run_withdraw, writer, reg_withdraw)
GIVE(run_reconcile, writer, reg_reconcile)
GIVE(run_outbox, reader, outbox)
GIVE(run_audit_head, reader, audit_anchor)
GIVE(run_audit_verify, reader, audit_verify)
GIVE(run_audit_show, reader, audit_show)
GIVE(run_backup, reader, backup)

#define ARGS(text, least, most) .args = text, .args_min = least, .args_max = most
#define DEVICE                  "DEVICE"
#define DEVICE_APP              "DEVICE FQDN"

const struct ctl_command reg_commands[] = {
	{ .words = "app add",
	  ARGS("ASP FQDN ADDRESS/PREFIX...", 3, 2 + REG_NETS_MAX),
	  .help = "Register an application of a provider; its naf.conf is the answer",
	  .changes = true,
	  .run = run_app_add },
	{ .words = "app conf", ARGS("FQDN", 1, 1), .help = "Its naf.conf once more", .run = run_app_conf },
	{ .words = "app show", ARGS("FQDN", 1, 1), .help = "An application", .run = run_app_show },
	{ .words = "app list", ARGS("[BEHIND-FQDN]", 0, 1), .help = "All, in pages", .run = run_app_list },
	{ .words = "app delete",
	  ARGS("FQDN", 1, 1),
	  .help = "An application is none any more, and all grants for it end",
	  .changes = true,
	  .run = run_app_delete },
	{ .words = "device add",
	  ARGS("IMPI [msisdn=N] [iccid=N] [eid=N] [imei=N]", 1, REG_KINDS),
	  .help = "Register a device, or give it further names",
	  .changes = true,
	  .run = run_device_add },
	{ .words = "device show",
	  ARGS(DEVICE, 1, 1),
	  .help = "By IMPI or KIND=VALUE: its names and grants",
	  .run = run_device_show },
	{ .words = "device delete",
	  ARGS(DEVICE, 1, 1),
	  .help = "A device without grants is none any more",
	  .changes = true,
	  .run = run_device_delete },
	{ .words = "grant",
	  ARGS(DEVICE_APP, 2, 2),
	  .help = "A device may use an application, at once and without a new bootstrap",
	  .changes = true,
	  .run = run_grant },
	{ .words = "withdraw",
	  ARGS(DEVICE_APP, 2, 2),
	  .help = "It may not any more: at the BSF at once, at the application within recheck",
	  .changes = true,
	  .run = run_withdraw },
	{ .words = "outbox",
	  ARGS("", 0, 0),
	  .help = "What BSFs and HSSs have not been told yet, and why not",
	  .run = run_outbox },
	{ .words = "reconcile",
	  ARGS("", 0, 0),
	  .help = "Tell BSFs and HSSs everything again, beside what changes; outbox shows how far it is",
	  .changes = true,
	  .run = run_reconcile },
	{ .words = "audit show", ARGS("[BEHIND-ROW]", 0, 1), .help = "Who did what, in pages", .run = run_audit_show },
	{ .words = "audit head",
	  ARGS("", 0, 0),
	  .help = "The last row; written to log and anchor, too",
	  .run = run_audit_head },
	{ .words = "audit verify",
	  ARGS("", 0, 0),
	  .help = "Is no row altered, taken out or cut off?",
	  .run = run_audit_verify },
	{ .words = "backup",
	  ARGS("PATH", 1, 1),
	  .help = "A copy of the database as it is now; the kek is needed with it",
	  .run = run_backup },
	{ 0 },
};
