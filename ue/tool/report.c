/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/tool/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <jansson.h>

#include "common/base/visible.h"
#include "common/gba/gba_time.h"

static void print_json(json_t *o)
{
	char *text = json_dumps(o, JSON_INDENT(1) | JSON_ENSURE_ASCII);

	visible_json(stdout, text);
	free(text);
	json_decref(o);
}

static json_t *outcome_json(const char *result, enum ue_cause cause, const struct ue_trail *trail)
{
	json_t *o = json_object();

	json_object_set_new(o, "result", json_string(result));
	json_object_set_new(o, "cause", json_string(ue_cause_name(cause)));
	json_object_set_new(o, "status", trail && trail->status ? json_integer(trail->status) : json_null());
	json_object_set_new(o, "run", trail && trail->run[0] ? json_string(trail->run) : json_null());
	return o;
}

/* The run that made the key the device has, if none was made now. */
static struct ue_trail trail_of(const struct gba_ue_token *t, const struct ue_trail *now)
{
	struct ue_trail trail = *now;

	if (!trail.run[0])
		snprintf(trail.run, sizeof(trail.run), "%s", t ? t->run : "");
	return trail;
}

static void identity_json(json_t *o, const struct gba_ue_token *t)
{
	char expires[DATE_TIME_LEN + 1];

	if (!t)
		return;
	json_object_set_new(o, "impi", json_string(t->identity));
	if (t->key && date_time_format(expires, t->expires_at) == 0) {
		json_object_set_new(o, "btid", json_string(t->btid));
		json_object_set_new(o, "lifetime", json_string(expires));
	}
	if (t->tmpi[0])
		json_object_set_new(o, "tmpi", json_string(t->tmpi));
}

static void identity_text(FILE *f, const struct gba_ue_token *t, const struct ue_trail *trail)
{
	char expires[DATE_TIME_LEN + 1];

	fprintf(f, "impi:     %s\n", t->identity);
	if (t->key && date_time_format(expires, t->expires_at) == 0)
		fprintf(f, "btid:     %s\nlifetime: until %s\nrun:      %s\n", t->btid, expires, trail->run);
	else
		fprintf(f, "btid:     none; 'gba-ue bootstrap' makes one\n");
	if (t->tmpi[0])
		fprintf(f, "tmpi:     %s\n", t->tmpi);
}

void report_token(bool json, const char *result, const struct gba_ue_token *t, const struct gba_ue_key *key,
		  const struct ue_trail *trail)
{
	const struct gba_ue_token agents = { .key = true,
					     .identity = "the agent's",
					     .btid = gba_ue_key_btid(key),
					     .expires_at = gba_ue_key_expires_at(key),
					     .run = gba_ue_key_run(key),
					     .tmpi = "" };
	struct ue_trail named = trail_of(t ? t : &agents, trail);
	json_t *o;

	t = t ? t : &agents;
	if (!json) {
		identity_text(stdout, t, &named);
		return;
	}
	o = outcome_json(result, UE_CAUSE_ok, &named);
	identity_json(o, t);
	print_json(o);
}

static void get_text(const char *url, const struct ue_trail *trail, const struct ua_result *r)
{
	fprintf(stderr, "%s: HTTP %ld%s%s%s%s%s%s\n", url, r->answer.status, r->key ? ", key " : ", no GBA asked",
		r->key ? gba_ue_key_fingerprint(r->key) : "", r->key ? " of run " : "", r->key ? trail->run : "",
		r->bootstrapped ? ", bootstrapped for it" : "", r->answer_proved ? ", answer proved" : "");
}

void report_get(bool json, const char *url, const struct gba_ue_token *t, const struct ue_trail *trail,
		const struct ua_result *r, enum ue_cause cause, bool with_body)
{
	struct ue_trail named = trail_of(t, trail);
	const char *body = r->answer.body ? (const char *)r->answer.body : "";
	json_t *o, *text;

	if (!json) {
		get_text(url, &named, r);
		if (with_body)
			visible_print(stdout, body, r->answer.body_len, true);
		return;
	}
	o = outcome_json("answered", cause, &named);
	identity_json(o, t);
	json_object_set_new(o, "url", json_string(url));
	json_object_set_new(o, "bootstrapped", json_boolean(r->bootstrapped));
	json_object_set_new(o, "used_gba", json_boolean(r->key != NULL));
	json_object_set_new(o, "answer_proved", json_boolean(r->answer_proved));
	if (r->key)
		json_object_set_new(o, "key_fingerprint", json_string(gba_ue_key_fingerprint(r->key)));
	if (with_body) {
		text = json_stringn(body, r->answer.body_len);
		json_object_set_new(o, "body", text ? text : json_null()); /* NULL if it is no UTF-8 */
	}
	print_json(o);
}

void report_key(bool json, const struct gba_ue_key *key, const struct ue_trail *trail)
{
	char password[GBA_UE_PASSWORD_LEN + 1], expires[DATE_TIME_LEN + 1] = "";
	json_t *o;

	if (gba_ue_key_password(key, password) < 0 || date_time_format(expires, gba_ue_key_expires_at(key)) < 0)
		return;
	if (json) {
		o = outcome_json("key", UE_CAUSE_ok, trail);
		json_object_set_new(o, "naf", json_string(gba_ue_key_naf(key)));
		json_object_set_new(o, "btid", json_string(gba_ue_key_btid(key)));
		json_object_set_new(o, "lifetime", json_string(expires));
		json_object_set_new(o, "key", json_string(password));
		print_json(o);
	} else {
		printf("btid:     %s\nlifetime: until %s\nkey:      %s\n", gba_ue_key_btid(key), expires, password);
	}
	OPENSSL_cleanse(password, sizeof(password));
}

void report_error(bool json, enum ue_cause cause, const struct ue_trail *trail, const char *reason)
{
	static const char *const names[] = {
		[UE_OK] = "ok",
		[UE_REFUSED] = "refused",
		[UE_USAGE] = "usage",
		[UE_DISTRUST] = "distrusted",
		[UE_UNREACHABLE] = "unreachable",
	};
	const bool ran = trail && trail->run[0];
	char *shown = visible_text(reason, strlen(reason), false);
	json_t *o;

	if (!json) {
		fprintf(stderr, "gba-ue: %s%s%s%s\n", shown ? shown : "no memory", ran ? " (run " : "",
			ran ? trail->run : "", ran ? ")" : "");
		free(shown);
		return;
	}
	o = outcome_json(names[ue_cause_exit(cause)], cause, trail);
	json_object_set_new(o, "reason", json_string(shown ? shown : "no memory"));
	free(shown);
	print_json(o);
}
