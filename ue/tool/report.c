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
static struct ue_trail trail_of(const struct ub_client *ub)
{
	struct ue_trail t = ub->trail;

	if (!t.run[0] && ub->keys->has_ks)
		run_id(t.run, ub->keys->rand);
	return t;
}

static void identity_json(json_t *o, const struct key_store *k)
{
	char masked[IMPI_MAX + 1], tmpi[TMPI_MAX + 1], expires[DATE_TIME_LEN + 1];

	impi_mask(masked, k->impi.s);
	json_object_set_new(o, "impi", json_string(masked));
	if (k->has_ks && date_time_format(expires, k->expires_at) == 0) {
		json_object_set_new(o, "btid", json_string(k->btid));
		json_object_set_new(o, "lifetime", json_string(expires));
	}
	if (k->has_tmpi) {
		tmpi_format(tmpi, k->tmpi);
		json_object_set_new(o, "tmpi", json_string(tmpi));
	}
}

static void identity_text(FILE *f, const struct key_store *k, const struct ue_trail *trail)
{
	char masked[IMPI_MAX + 1], tmpi[TMPI_MAX + 1], expires[DATE_TIME_LEN + 1];

	impi_mask(masked, k->impi.s);
	fprintf(f, "impi:     %s\n", masked);
	if (k->has_ks && date_time_format(expires, k->expires_at) == 0)
		fprintf(f, "btid:     %s\nlifetime: until %s\nrun:      %s\n", k->btid, expires, trail->run);
	else
		fprintf(f, "btid:     none; 'gba-ue bootstrap' makes one\n");
	if (k->has_tmpi) {
		tmpi_format(tmpi, k->tmpi);
		fprintf(f, "tmpi:     %s\n", tmpi);
	}
}

static void with_result(bool json, const char *result, const struct ub_client *ub)
{
	struct ue_trail trail = trail_of(ub);
	json_t *o;

	if (!json) {
		identity_text(stdout, ub->keys, &trail);
		return;
	}
	o = outcome_json(result, UE_CAUSE_ok, &trail);
	identity_json(o, ub->keys);
	print_json(o);
}

void report_bootstrap(bool json, const struct ub_client *ub)
{
	with_result(json, "bootstrapped", ub);
}

void report_status(bool json, const struct ub_client *ub)
{
	with_result(json, ub->keys->has_ks ? "key" : "no key", ub);
}

static void get_text(const char *url, const struct ue_trail *trail, const struct ua_result *r)
{
	fprintf(stderr, "%s: HTTP %ld%s%s%s%s%s%s\n", url, r->answer.status, r->used_gba ? ", key " : ", no GBA asked",
		r->used_gba ? r->fingerprint : "", r->used_gba ? " of run " : "", r->used_gba ? trail->run : "",
		r->bootstrapped ? ", bootstrapped for it" : "", r->answer_proved ? ", answer proved" : "");
}

void report_get(bool json, const char *url, const struct ub_client *ub, const struct ua_result *r, enum ue_cause cause,
		bool with_body)
{
	struct ue_trail trail = trail_of(ub);
	const char *body = r->answer.body ? (const char *)r->answer.body : "";
	json_t *o, *text;

	if (!json) {
		get_text(url, &trail, r);
		if (with_body)
			visible_print(stdout, body, r->answer.body_len, true);
		return;
	}
	o = outcome_json("answered", cause, &trail);
	identity_json(o, ub->keys);
	json_object_set_new(o, "url", json_string(url));
	json_object_set_new(o, "bootstrapped", json_boolean(r->bootstrapped));
	json_object_set_new(o, "used_gba", json_boolean(r->used_gba));
	json_object_set_new(o, "answer_proved", json_boolean(r->answer_proved));
	if (r->used_gba)
		json_object_set_new(o, "key_fingerprint", json_string(r->fingerprint));
	if (with_body) {
		text = json_stringn(body, r->answer.body_len);
		json_object_set_new(o, "body", text ? text : json_null()); /* NULL if it is no UTF-8 */
	}
	print_json(o);
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
