/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/tool/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/hex.h"
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

static void app_text(const json_t *app)
{
	static const char *const shown[] = { "name", "profile", "keys" };
	char since[DATE_TIME_LEN + 1] = "";
	const json_t *one;
	size_t i;

	printf("%s", json_string_value(json_object_get(app, "fqdn")));
	if (json_object_get(app, "since") &&
	    date_time_format(since, (time_t)json_integer_value(json_object_get(app, "since"))) == 0)
		printf(", since %s", since);
	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		const json_t *v = json_object_get(app, shown[i]);

		if (!v)
			continue;
		printf(", %s ", shown[i]);
		visible_print(stdout, json_string_value(v), json_string_length(v), false);
	}
	json_array_foreach(json_object_get(app, "ua"), i, one) printf(", ua %s", json_string_value(one));
	putchar('\n');
}

void report_apps(bool json, const char *url, const struct gba_ue_token *t, const struct ue_trail *trail, json_t *apps)
{
	struct ue_trail named = trail_of(t, trail);
	json_t *o, *one;
	size_t i;

	if (json) {
		o = outcome_json("answered", UE_CAUSE_ok, &named);
		json_object_set_new(o, "url", json_string(url));
		json_object_set(o, "apps", apps);
		print_json(o);
		return;
	}
	json_array_foreach(apps, i, one) app_text(one);
	if (!json_array_size(apps))
		fprintf(stderr, "%s: this device may use no application\n", url);
}

static void discovery_text(const char *url, const struct discovery *d, const char *written)
{
	char hex[2 * UA_ID_LEN + 1], until[DATE_TIME_LEN + 1] = "";
	const char *missing[DISCOVERY_MISSING_MAX], *name;
	size_t n = discovery_missing(d, missing);

	date_time_format(until, d->valid_until);
	printf("realm:     %s, as told by %s\nvalid:     until %s\nbsf:       %s\n", d->realm, url, until, d->bsf_url);
	for (size_t i = 0; i < d->n_bsf_names; i++)
		printf("bsf name:  %s\n", d->bsf_names[i]);
	for (size_t i = 0; i < d->n_ua; i++) {
		name = NULL;
		ua_id_classify(d->ua[i], &name);
		hex_encode(hex, sizeof(hex), d->ua[i], UA_ID_LEN);
		printf("ua:        %s%s%s\n", hex, name ? ", " : "", name ? name : "");
	}
	printf("keys:      %s%s%s\n", d->keys & DISCOVERY_KEY_DEVICE ? "of the device" : "",
	       d->keys == (DISCOVERY_KEY_DEVICE | DISCOVERY_KEY_CARD) ? ", " : "",
	       d->keys & DISCOVERY_KEY_CARD ? "of the card (GBA_U)" : "");
	if (d->registry[0])
		printf("registry:  %s\n", d->registry);
	if (d->catalogue[0])
		printf("catalogue: %s\n", d->catalogue);
	if (d->apps[0])
		printf("apps:      %s, for gba-ue apps\n", d->apps);
	for (size_t i = 0; i < n; i++)
		printf("missing:   %s\n", missing[i]);
	if (written)
		printf("written:   %s, for gba-ued -c\n", written);
}

static json_t *discovery_json(const struct discovery *d)
{
	json_t *names = json_array(), *ua = json_array(), *keys = json_array(), *lacks = json_array();
	char hex[2 * UA_ID_LEN + 1], until[DATE_TIME_LEN + 1] = "";
	const char *missing[DISCOVERY_MISSING_MAX];
	size_t n = discovery_missing(d, missing);

	for (size_t i = 0; i < d->n_bsf_names; i++)
		json_array_append_new(names, json_string(d->bsf_names[i]));
	for (size_t i = 0; i < d->n_ua; i++) {
		hex_encode(hex, sizeof(hex), d->ua[i], UA_ID_LEN);
		json_array_append_new(ua, json_string(hex));
	}
	if (d->keys & DISCOVERY_KEY_DEVICE)
		json_array_append_new(keys, json_string("device"));
	if (d->keys & DISCOVERY_KEY_CARD)
		json_array_append_new(keys, json_string("card"));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(lacks, json_string(missing[i]));
	date_time_format(until, d->valid_until);
	return json_pack("{ss ss so so so ss* ss* ss* ss so}", "realm", d->realm, "bsf_url", d->bsf_url, "bsf_names",
			 names, "ua_protocols", ua, "key_kinds", keys, "registry", d->registry[0] ? d->registry : NULL,
			 "catalogue", d->catalogue[0] ? d->catalogue : NULL, "apps_url", d->apps[0] ? d->apps : NULL,
			 "valid_until", until, "missing", lacks);
}

void report_discovery(bool json, const char *url, const struct discovery *d, const char *written,
		      const struct ue_trail *trail)
{
	json_t *o, *told;

	if (!json) {
		discovery_text(url, d, written);
		return;
	}
	o = outcome_json("discovered", UE_CAUSE_ok, trail);
	told = discovery_json(d);
	json_object_set_new(o, "url", json_string(url));
	json_object_update(o, told);
	json_decref(told);
	if (written)
		json_object_set_new(o, "written", json_string(written));
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
