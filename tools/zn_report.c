/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tools/zn_report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/visible.h"
#include "common/crypto/kdf.h"
#include "common/gba/gba_time.h"
#include "common/gba/guss.h"

static void set(json_t *o, const char *name, const char *value)
{
	json_object_set_new(o, name, json_string(value));
}

static void set_key(json_t *o, const char *name, const struct secret *key)
{
	char fingerprint[KEY_FINGERPRINT_LEN + 1];

	if (key->len && key_fingerprint(fingerprint, key) == 0)
		set(o, name, fingerprint);
}

static void set_time(json_t *o, const char *name, time_t t)
{
	char text[DATE_TIME_LEN + 1];

	if (t && date_time_format(text, t) >= 0)
		set(o, name, text);
}

/*! Which settings came; what is in them may name the user. */
static void set_uss(json_t *o, const struct zn_bia *bia)
{
	struct guss *g = NULL;
	json_t *list;

	if (!bia->uss_list)
		return;
	if (guss_parse(&g, (const uint8_t *)bia->uss_list, bia->uss_list_len, NULL) < 0) {
		set(o, "uss", "not readable");
		return;
	}
	list = json_array();
	for (size_t i = 0; i < g->n_uss; i++) {
		json_t *u = json_object();

		set(u, "gsid", g->uss[i].id);
		json_object_set_new(u, "type", json_integer(g->uss[i].type));
		json_object_set_new(u, "uids", json_integer((json_int_t)g->uss[i].n_uids));
		json_object_set_new(u, "flags", json_integer((json_int_t)g->uss[i].n_flags));
		json_array_append_new(list, u);
	}
	json_object_set_new(o, "uss", list);
	guss_free(g);
}

static void set_ids(json_t *o, const char *cause, const char *run)
{
	set(o, "cause", cause);
	json_object_set_new(o, "run", *run ? json_string(run) : json_null());
}

/*! One value as text; jansson's own form for lists. */
static void print_value(const json_t *v)
{
	char *text = json_is_string(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
	const char *s = json_is_string(v) ? json_string_value(v) : text;

	visible_print(stdout, s ? s : "", s ? strlen(s) : 0, false);
	puts("");
	free(text);
}

static void print(bool json, json_t *o)
{
	const char *name;
	char *text;
	json_t *v;

	if (json) {
		text = json_dumps(o, JSON_INDENT(1) | JSON_ENSURE_ASCII);
		visible_json(stdout, text);
		free(text);
	} else {
		json_object_foreach(o, name, v)
		{
			printf("%-24s ", name);
			print_value(v);
		}
	}
	json_decref(o);
}

void zn_report(bool json, const struct zn_bia *bia, const char *cause, const char *run)
{
	static const char *const types[] = { "3G", "2G", "GBA_Digest" };
	char masked[IMPI_MAX + 1];
	json_t *o = json_object();

	json_object_set_new(o, "result_code", json_integer(bia->result.code));
	set(o, "result", bia->result.code ? result_name(&bia->result) : "none in the answer");
	json_object_set_new(o, "experimental", json_boolean(bia->result.experimental));
	set_ids(o, cause, run);
	set_key(o, "key_fingerprint", &bia->me_key);
	set_key(o, "uicc_key_fingerprint", &bia->uicc_key);
	if (bia->me_key.len)
		set(o, "gba_type", (unsigned)bia->gba_type < 3 ? types[bia->gba_type] : "unknown");
	if (bia->has_times) {
		set_time(o, "lifetime", bia->expires_at);
		if (bia->has_created)
			set_time(o, "bootstrapped", bia->created_at);
	}
	if (bia->impi.s[0]) {
		impi_mask(masked, bia->impi.s);
		set(o, "impi", masked);
	}
	set_uss(o, bia);
	print(json, o);
}

void zn_report_error(bool json, const char *cause, const char *run, const char *reason)
{
	char *shown = visible_text(reason, strlen(reason), false);
	json_t *o;

	if (json) {
		o = json_object();
		set(o, "result", "none");
		json_object_set_new(o, "result_code", json_null());
		set_ids(o, cause, run);
		set(o, "reason", shown ? shown : "no memory");
		print(true, o);
	} else {
		fprintf(stderr, "gba-naf: %s%s%s%s\n", shown ? shown : "no memory", *run ? " (run " : "", run,
			*run ? ")" : "");
	}
	free(shown);
}
