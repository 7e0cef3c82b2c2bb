/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_ahead.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/clock.h"
#include "common/base/ctl_client.h"
#include "common/base/secret.h"
#include "common/rt/log_cat.h"
#include "reg/reg_cfg.h"
#include "reg/reg_names.h"
#include "reg/reg_orders.h"

#define ANSWER_S 2

int reg_ahead_silent_ms = 30000;

static struct reg_work *asker, *then;
static atomic_bool ending; /* nobody is asked any more: each that waits could wait for a time-out of its own */

/* --- one that hangs costs one order its time, and those behind it none */

static uint64_t silent_since[REG_TARGETS_MAX]; /* ms; 0: it answers. Of the thread that asks */

static bool is_silent(size_t i)
{
	return silent_since[i] && clock_mono_ms() - silent_since[i] < (uint64_t)reg_ahead_silent_ms;
}

static void note_silence(size_t i, bool hangs)
{
	const char *name = reg_cfg.targets[i].name;

	if (hangs && !silent_since[i])
		LOGT(DRT, LOGL_ERROR, "target %s: does not answer what is asked before an order; not asked for %d s\n",
		     name, reg_ahead_silent_ms / 1000);
	else if (!hangs && silent_since[i])
		LOGT(DRT, LOGL_NOTICE, "target %s: answers what is asked before an order\n", name);
	silent_since[i] = hangs ? clock_mono_ms() : 0;
}

/* --- one question */

static int ask_socket(const char *path, const char *command, char **answer)
{
	struct ctl_client client;
	struct err err;
	int rc = ctl_client_open(&client, path, ANSWER_S, &err);

	if (rc < 0)
		return rc;
	rc = ctl_client_ask(&client, command, span_of(NULL, 0), answer, &err);
	ctl_client_close(&client);
	return rc;
}

/* \param[out] out NULL: whether it has one is enough \returns 1 and what it has; 0 it has none; -errno: it does not say */
static int ask_target(const struct reg_target *t, const char *command, json_t **out)
{
	size_t i = (size_t)(t - reg_cfg.targets);
	char *answer = NULL;
	int rc;

	if (ending || is_silent(i))
		return -EAGAIN;
	rc = ask_socket(t->socket, command, &answer);
	if (rc == -EAGAIN || rc >= 0)
		note_silence(i, rc < 0);
	if (rc == 0 && out)
		*out = json_loads(answer, 0, NULL);
	rc = rc == 0 ? 1 : rc == 1 && strncmp(answer, "unknown ", 8) == 0 ? 0 : -EIO;
	free(answer);
	return rc;
}

/* --- a device that is new: does an HSS know its subscriber? */

static int ask_hsss(struct reg_order *o, const char *impi)
{
	char command[REG_ID_MAX + 32];
	bool unknown = false;
	int rc = 0;

	snprintf(command, sizeof(command), "subscriber show %s", impi);
	for (size_t i = 0; rc == 0 && i < reg_cfg.n_targets; i++) {
		const struct reg_target *t = &reg_cfg.targets[i];

		if (!t->is_hss || t->unasked)
			continue;
		rc = ask_target(t, command, NULL);
		unknown = rc == 0;
	}
	OPENSSL_cleanse(command, sizeof(command));
	return unknown ? reg_refuse(o, CTL_INVALID, "impi",
				    "no HSS of the realm knows it; allowed: a subscriber of one")
		       : 0;
}

static int ahead_device(struct reg_order *o, struct reg_db *db)
{
	const char *impi = reg_in(o, "impi");
	int64_t device;
	int rc = !impi || reg_kind_bad(REG_IMPI, impi) ? 1 : reg_db_find(db, &device, REG_IMPI, impi);

	return rc == 0 ? ask_hsss(o, impi) : rc < 0 ? rc : 0;
}

/* --- an application that is to be served: has a BSF one of that name that is not ours, or that speaks for it? It would serve neither */

/* Ours are there, or their file is still to go: what they may have together is said by who writes. */
static int naf_is_ours(struct reg_db *db, const char *naf)
{
	int64_t one;

	return reg_db_int(
		db, &one,
		"SELECT 1 FROM application WHERE fqdn = ?1 UNION ALL SELECT 1 FROM outbox WHERE device IS NULL AND"
		" fqdn = ?1",
		"t", naf);
}

static int ask_name(struct reg_order *o, struct reg_db *db, const struct reg_target *t, const char *fqdn)
{
	char command[FQDN_MAX + 16];
	json_t *is = NULL;
	const char *from, *refused;
	int rc = 0;

	snprintf(command, sizeof(command), "show naf %s", fqdn);
	if (ask_target(t, command, &is) <= 0)
		return 0;
	from = json_string_value(json_object_get(is, "from"));
	refused = json_string_value(json_object_get(is, "refused"));
	if (refused && strcmp(refused, "has vanished") == 0) /* it remembers the name; the next file has it */
		from = NULL;
	if (from && strcmp(from, "the configuration") == 0)
		rc = reg_refuse(o, CTL_EXISTS, "fqdn",
				"target %s has it in its configuration; allowed: to take it out there first", t->name);
	else if (from && (rc = naf_is_ours(db, fqdn)) == 0)
		rc = reg_refuse(
			o, CTL_EXISTS, "fqdn",
			"target %s has it in a file that is not the registry's, %s; allowed: to take it out there first",
			t->name, from);
	json_decref(is);
	return rc < 0 ? rc : 0;
}

static int ask_claims(struct reg_order *o, struct reg_db *db, const struct reg_target *t, const char *fqdn)
{
	char command[FQDN_MAX + 16];
	json_t *is = NULL, *claim;
	int rc = 0;
	size_t i;

	snprintf(command, sizeof(command), "show claims %s", fqdn);
	if (ask_target(t, command, &is) <= 0)
		return 0;
	json_array_foreach(json_object_get(is, "claims"), i, claim)
	{
		const char *naf = json_string_value(json_object_get(claim, "naf"));
		const char *name = json_string_value(json_object_get(claim, "name"));

		if (rc == 0)
			rc = naf ? naf_is_ours(db, naf) : 0;
		if (rc == 0)
			rc = reg_refuse(o, CTL_EXISTS, "fqdn",
					"at target %s %s speaks for %s; allowed: to take it out there first", t->name,
					naf ? naf : "more than one NAF", name ? name : fqdn);
		rc = rc > 0 ? 0 : rc;
	}
	json_decref(is);
	return rc;
}

static int ask_bsfs(struct reg_order *o, struct reg_db *db, const char *fqdn)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < reg_cfg.n_targets; i++) {
		const struct reg_target *t = &reg_cfg.targets[i];

		if (t->is_hss || !t->policy_directory)
			continue;
		rc = ask_name(o, db, t, fqdn);
		if (rc == 0)
			rc = ask_claims(o, db, t, fqdn);
	}
	return rc;
}

/* Of an ASP's that waits for the operator the operator is told, when he approves it. */
static int ahead_app(struct reg_order *o, struct reg_db *db)
{
	const char *state = reg_in(o, "state");
	char fqdn[FQDN_MAX + 1];

	if (o->caller.role != REG_OPERATOR || (state && strcmp(state, "approved") != 0) ||
	    reg_names_parse(fqdn, reg_in(o, "fqdn")))
		return 0;
	return ask_bsfs(o, db, fqdn);
}

static int ahead_app_put(struct reg_order *o, struct reg_db *db)
{
	return reg_in(o, "state") ? ahead_app(o, db) : 0;
}

reg_ahead_fn *reg_ahead_of(int (*work)(struct reg_order *o, struct reg_db *db))
{
	static const struct {
		int (*work)(struct reg_order *o, struct reg_db *db);
		reg_ahead_fn *ask;
	} rows[] = { { reg_device_add, ahead_device },
		     { reg_app_add, ahead_app },
		     { reg_app_register, ahead_app },
		     { reg_app_put, ahead_app_put } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].work == work)
			return rows[i].ask;
	}
	return NULL;
}

/* --- and then the order itself */

static void asked(struct reg_order *o)
{
	o->work = o->then_work;
	o->ended = o->then_ended;
	if (o->rc == 0 && reg_work_give(then, o) == 0)
		return;
	if (o->rc == 0)
		o->rc = reg_refuse(o, CTL_BUSY, NULL, "too many orders wait");
	o->ended(o);
}

int reg_ahead_give(reg_ahead_fn *ask, struct reg_order *o)
{
	int rc;

	o->then_work = o->work;
	o->then_ended = o->ended;
	o->work = ask;
	o->ended = asked;
	rc = reg_work_give(asker, o);
	if (rc < 0) {
		o->work = o->then_work;
		o->ended = o->then_ended;
	}
	return rc;
}

int reg_ahead_start(struct reg_db *db, struct reg_work *writer, struct err *err)
{
	then = writer;
	ending = false;
	memset(silent_since, 0, sizeof(silent_since));
	asker = reg_work_start(db, NULL, err);
	return asker ? 0 : -ENOMEM;
}

void reg_ahead_stop(void)
{
	ending = true;
	reg_work_stop(asker);
	asker = NULL;
}
