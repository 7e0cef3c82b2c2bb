/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/rt/kek_job.h"
#include "reg/api_http.h"
#include "reg/reg_ahead.h"
#include "reg/reg_cfg.h"
#include "reg/reg_discovery.h"
#include "reg/reg_orders.h"
#include "reg/reg_requests.h"
#include "reg/reg_profile.h"
#include "reg/reg_proof.h"
#include "reg/reg_sender.h"
#include "reg/reg_usage.h"
#include "reg/reg_token.h"

static struct reg_work *writer, *reader;
static struct inbox *answers;

void reg_control_init(struct reg_work *w, struct reg_work *r, struct inbox *back)
{
	writer = w;
	reader = r;
	answers = back;
}

void reg_figures(json_t *into)
{
	json_t *list = json_array();

	for (size_t i = 0; i < reg_cfg.n_targets; i++) {
		json_t *o = json_pack("{ss}", "target", reg_cfg.targets[i].name);

		reg_sender_state(reg_senders[i], o);
		json_array_append_new(list, o);
	}
	json_object_set_new(into, "targets", list);
	api_http_figures(into);
}

/* --- who does it */

#define NAMES_MAX 64 /* octets, of all names of a verb */

/* An order on the control socket. */
struct verb {
	int (*work)(struct reg_order *o, struct reg_db *db);
	bool writes;
	const char
		*names; /* of its arguments in `in`; with a * a list of all that are left; NAME=VALUE is no argument */
};

/* On the main thread again. */
static void answer(void *unused, struct inbox_item *item, bool stopping)
{
	struct reg_order *o = (struct reg_order *)item;

	if (o->rc < 0)
		ctl_fail(o->data, o->word, "%s", o->err.text);
	else
		ctl_ok(o->data, json_incref(o->answer));
	reg_order_free(o);
}

static void answer_later(struct reg_order *o)
{
	o->item.run = answer;
	inbox_post_always(answers, &o->item);
}

/* \returns 0; -1: an argument is no text */
static int put_rest(json_t *in, const struct ctl_request *q, const char *name, size_t i)
{
	json_t *list = json_array();
	int rc = json_object_set_new(in, name, list);

	for (; rc == 0 && ctl_arg(q, i); i++)
		rc = json_array_append_new(list, json_string(ctl_arg(q, i)));
	return rc;
}

static int put_args(json_t *in, const struct ctl_request *q, const char *names)
{
	char copy[NAMES_MAX], *at = copy, *name, *value;
	size_t i = 0;
	int rc = 0;

	snprintf(copy, sizeof(copy), "%s", names);
	while (rc == 0 && (name = strsep(&at, " "))) {
		value = strchr(name, '=');
		if (value) {
			*value++ = '\0';
			rc = json_object_set_new(in, name, json_string(value));
		} else if (strchr(name, '*')) {
			*strchr(name, '*') = '\0';
			rc = put_rest(in, q, name, i);
		} else if (ctl_arg(q, i)) {
			rc = json_object_set_new(in, name, json_string(ctl_arg(q, i++)));
		}
	}
	return rc;
}

static int give_verb(const struct verb *v, struct reg_order *o)
{
	reg_ahead_fn *ask = reg_ahead_of(v->work);

	return ask ? reg_ahead_give(ask, o) : reg_work_give(v->writes ? writer : reader, o);
}

static void run_verb(struct ctl_request *q)
{
	const struct verb *v = ctl_data(q);
	struct reg_order *o = reg_order_new(v->work, json_object());

	if (!o || !o->in || put_args(o->in, q, v->names) < 0) {
		reg_order_free(o);
		ctl_fail(q, CTL_INVALID, "an argument is no UTF-8");
		return;
	}
	o->caller.role = REG_OPERATOR;
	snprintf(o->caller.name, sizeof(o->caller.name), "%s", ctl_who(q));
	o->data = q;
	o->ended = answer_later;
	if (give_verb(v, o) == 0)
		return;
	reg_order_free(o);
	ctl_fail(q, CTL_BUSY, "too many orders wait");
}

#define DO(order, does_write, arg_names) \
	.run = run_verb, .data = &(const struct verb) \
	{ \
		.work = order, .writes = does_write, .names = arg_names \
	}
#define ARGS(text, least, most) .args = text, .args_min = least, .args_max = most
#define DEVICE                  "DEVICE"
#define DEVICE_APP              "DEVICE FQDN"

const struct ctl_command reg_commands[] = {
	{ .words = "asp list",
	  ARGS("[BEHIND-ASP]", 0, 1),
	  .help = "All providers, in pages",
	  DO(reg_asp_list, false, "after") },
	{ .words = "asp show", ARGS("ASP", 1, 1), .help = "A provider", DO(reg_asp_get, false, "asp") },
	{ .words = "asp add",
	  ARGS("ASP [CONTACT]", 1, 2),
	  .help = "Register a provider, approved",
	  .changes = true,
	  DO(reg_asp_add, true, "asp contact") },
	{ .words = "asp approve",
	  ARGS("ASP", 1, 1),
	  .help = "One that has applied, or was suspended, and all its applications that are",
	  .changes = true,
	  DO(reg_asp_put, true, "asp state=approved") },
	{ .words = "asp suspend",
	  ARGS("ASP", 1, 1),
	  .help = "None of its applications is served any more, until it is approved again",
	  .changes = true,
	  DO(reg_asp_put, true, "asp state=suspended") },
	{ .words = "asp delete",
	  ARGS("ASP", 1, 1),
	  .help = "With its applications, their grants and pseudonyms; who has its name later begins with nothing",
	  .changes = true,
	  DO(reg_asp_delete, true, "asp") },
	{ .words = "app add",
	  ARGS("ASP FQDN ADDRESS/PREFIX...", 3, 2 + REG_NETS_MAX),
	  .help = "Register an application of a provider; its naf.conf is the answer",
	  .changes = true,
	  DO(reg_app_add, true, "asp fqdn addresses*") },
	{ .words = "app conf", ARGS("FQDN", 1, 1), .help = "Its naf.conf once more", DO(reg_app_conf, false, "fqdn") },
	{ .words = "app show", ARGS("FQDN", 1, 1), .help = "An application", DO(reg_app_show, false, "fqdn") },
	{ .words = "app list", ARGS("[BEHIND-FQDN]", 0, 1), .help = "All, in pages", DO(reg_app_list, false, "after") },
	{ .words = "app approve",
	  ARGS("FQDN", 1, 1),
	  .help = "One that has applied, or was suspended",
	  .changes = true,
	  DO(reg_app_put, true, "fqdn state=approved") },
	{ .words = "app suspend",
	  ARGS("FQDN", 1, 1),
	  .help = "It is served no more, until it is approved again",
	  .changes = true,
	  DO(reg_app_put, true, "fqdn state=suspended") },
	{ .words = "app delete",
	  ARGS("FQDN", 1, 1),
	  .help = "An application is none any more, and all grants for it end",
	  .changes = true,
	  DO(reg_app_delete, true, "fqdn") },
	{ .words = "app profile",
	  ARGS("FQDN [PROFILE]", 1, 2),
	  .help = "The security degree of an application; without a name: none",
	  .changes = true,
	  DO(reg_profile_give, true, "fqdn profile") },
	{ .words = "app wildcard",
	  ARGS("FQDN yes|no", 2, 2),
	  .help = "Does it speak for each name with one label more, too?",
	  .changes = true,
	  DO(reg_app_put, true, "fqdn wildcard") },
	{ .words = "app tls-key",
	  ARGS("FQDN [sha256:HEX...]", 1, 5),
	  .help = "The public keys one of which its certificate must be for; none: each that is certified",
	  .changes = true,
	  DO(reg_app_put, true, "fqdn tls_keys*") },
	{ .words = "app proof",
	  ARGS("FQDN", 1, 1),
	  .help = "How it is shown that its name is its provider's",
	  DO(reg_proof_show, false, "fqdn") },
	{ .words = "app prove",
	  ARGS("FQDN [dns|word]", 1, 2),
	  .help = "Ask DNS for it now, and from now on; or take the operator's word for it",
	  .changes = true,
	  DO(reg_proof_order, true, "fqdn by") },
	{ .words = "profiles",
	  ARGS("", 0, 0),
	  .help = "Security degrees that are configured",
	  DO(reg_profile_list, false, "") },
	{ .words = "user add",
	  ARGS("KYC-REF [ASSURANCE]", 1, 2),
	  .help = "Somebody who is known where the reference says, and how well: 0 to 4",
	  .changes = true,
	  .personal = true,
	  DO(reg_user_add, true, "kyc_ref assurance") },
	{ .words = "user show", ARGS("USER", 1, 1), .help = "A user", DO(reg_user_get, false, "user") },
	{ .words = "user list",
	  ARGS("[BEHIND-USER]", 0, 1),
	  .help = "All, in pages",
	  DO(reg_user_list, false, "after") },
	{ .words = "user delete",
	  ARGS("USER", 1, 1),
	  .help = "One without devices",
	  .changes = true,
	  DO(reg_user_delete, true, "user") },
	{ .words = "device list",
	  ARGS("[BEHIND-DEVICE]", 0, 1),
	  .help = "All, in pages",
	  DO(reg_device_list, false, "after") },
	{ .words = "device state",
	  ARGS("DEVICE active|suspended|lost", 2, 2),
	  .help = "One that is not active is refused everywhere at once",
	  .changes = true,
	  DO(reg_device_state, true, "device state") },
	{ .words = "device custodian",
	  ARGS("DEVICE [USER]", 1, 2),
	  .help = "Who has it; consents of the one before end. No user: the operator himself",
	  .changes = true,
	  DO(reg_device_custodian, true, "device user") },
	{ .words = "device forget",
	  ARGS("DEVICE ASP", 2, 2),
	  .help = "The provider knows it by another pseudonym from now on",
	  .changes = true,
	  DO(reg_pseudonym_renew, true, "device asp") },
	{ .words = "device add",
	  ARGS("IMPI [msisdn=N] [iccid=N] [eid=N] [imei=N]", 1, REG_KINDS),
	  .help = "Register a device, or give it further names",
	  .changes = true,
	  DO(reg_device_add, true, "impi names*") },
	{ .words = "device show",
	  ARGS(DEVICE, 1, 1),
	  .help = "By IMPI or KIND=VALUE: its names and grants",
	  DO(reg_device_show, false, "device") },
	{ .words = "device usage",
	  ARGS("DEVICE [BEHIND]", 1, 2),
	  .help = "Which application got a key of which bootstrap of it, newest first, in pages",
	  DO(reg_usage_list, false, "device after") },
	{ .words = "device delete",
	  ARGS(DEVICE, 1, 1),
	  .help = "A device without grants is none any more",
	  .changes = true,
	  DO(reg_device_delete, true, "device") },
	{ .words = "group list",
	  ARGS("[BEHIND-GROUP]", 0, 1),
	  .help = "All groups of devices, in pages",
	  DO(reg_group_list, false, "after") },
	{ .words = "group show",
	  ARGS("GROUP [BEHIND-DEVICE]", 1, 2),
	  .help = "Who is in it, in pages",
	  DO(reg_member_list, false, "group after") },
	{ .words = "group add",
	  ARGS("GROUP", 1, 1),
	  .help = "A group of devices",
	  .changes = true,
	  DO(reg_group_put, true, "group") },
	{ .words = "group delete",
	  ARGS("GROUP", 1, 1),
	  .help = "The group, not its devices",
	  .changes = true,
	  DO(reg_group_delete, true, "group") },
	{ .words = "group in",
	  ARGS("GROUP DEVICE", 2, 2),
	  .help = "A device is in it",
	  .changes = true,
	  DO(reg_member_put, true, "group device") },
	{ .words = "group out",
	  ARGS("GROUP DEVICE", 2, 2),
	  .help = "A device is in it no more",
	  .changes = true,
	  DO(reg_member_delete, true, "group device") },
	{ .words = "group grant",
	  ARGS("GROUP FQDN", 2, 2),
	  .help = "All devices that are in it now may use an application, or none",
	  .changes = true,
	  DO(reg_group_grant, true, "group fqdn") },
	{ .words = "group withdraw",
	  ARGS("GROUP FQDN", 2, 2),
	  .help = "None of them may any more",
	  .changes = true,
	  DO(reg_group_withdraw, true, "group fqdn") },
	{ .words = "grant",
	  ARGS(DEVICE_APP, 2, 2),
	  .help = "A device may use an application, at once and without a new bootstrap",
	  .changes = true,
	  DO(reg_grant, true, "device fqdn") },
	{ .words = "withdraw",
	  ARGS(DEVICE_APP, 2, 2),
	  .help = "It may not any more: at the BSF at once, at the application within recheck",
	  .changes = true,
	  DO(reg_withdraw, true, "device fqdn") },
	{ .words = "request list",
	  ARGS("[BEHIND-NUMBER]", 0, 1),
	  .help = "Requests that applications have begun, in pages",
	  DO(reg_request_list, false, "after") },
	{ .words = "discovery",
	  ARGS("", 0, 0),
	  .help = "What new devices are told of the realm; with --json what a web server shows at /.well-known/gba-configuration",
	  DO(reg_discovery_show, false, "") },
	{ .words = "outbox",
	  ARGS("", 0, 0),
	  .help = "What BSFs and HSSs have not been told yet, and why not",
	  DO(reg_outbox_show, false, "") },
	KEK_CTL_COMMANDS,
	{ .words = "reconcile",
	  ARGS("", 0, 0),
	  .help = "Tell BSFs and HSSs everything again, beside what changes; outbox shows how far it is",
	  .changes = true,
	  DO(reg_reconcile, true, "") },
	{ .words = "token add",
	  ARGS("(operator|asp|user) [OWNER]", 1, 2),
	  .help = "A token for the HTTPS side, shown in this answer only; OWNER is the name of an ASP or the id of a user",
	  .changes = true,
	  DO(reg_token_add, true, "role owner") },
	{ .words = "token list",
	  ARGS("[AFTER]", 0, 1),
	  .help = "Whom tokens and certificates stand for, in pages",
	  DO(reg_token_list, false, "after") },
	{ .words = "token revoke",
	  ARGS("ID", 1, 1),
	  .help = "A token or certificate stands for nobody any more, at once",
	  .changes = true,
	  DO(reg_token_revoke, true, "token") },
	{ .words = "certificate add",
	  ARGS("NAME (operator|asp|user) [OWNER]", 2, 3),
	  .help = "A client certificate with this dNSName, by a CA of node api, stands for somebody",
	  .changes = true,
	  DO(reg_token_add, true, "certificate role owner") },
	{ .words = "audit show",
	  ARGS("[BEHIND-ROW]", 0, 1),
	  .help = "Who did what, in pages",
	  DO(reg_audit_list, false, "after") },
	{ .words = "audit head",
	  ARGS("", 0, 0),
	  .help = "The last row; written to log and anchor, too",
	  DO(reg_audit_head, false, "") },
	{ .words = "audit verify",
	  ARGS("[PUBLIC-KEY [ANCHOR]]", 0, 2),
	  .help = "Is no row altered, taken out or cut off? By this key, and a copy of the anchor that was kept",
	  DO(reg_audit_check, false, "key anchor") },
	{ .words = "backup",
	  ARGS("PATH", 1, 1),
	  .help = "A copy of the database as it is now; the kek is needed with it",
	  DO(reg_backup, false, "path") },
	{ 0 },
};
