/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <jansson.h>

#include "common/gba/gba_time.h"

static void print_json(json_t *o)
{
	char *text = json_dumps(o, JSON_INDENT(1));

	if (text)
		puts(text);
	free(text);
	json_decref(o);
}

static json_t *identity_json(const struct key_store *k)
{
	char masked[IMPI_MAX + 1], tmpi[TMPI_MAX + 1], expires[DATE_TIME_LEN + 1];
	json_t *o = json_object();

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
	return o;
}

static void identity_text(FILE *f, const struct key_store *k)
{
	char masked[IMPI_MAX + 1], tmpi[TMPI_MAX + 1], expires[DATE_TIME_LEN + 1];

	impi_mask(masked, k->impi.s);
	fprintf(f, "impi:     %s\n", masked);
	if (k->has_ks && date_time_format(expires, k->expires_at) == 0)
		fprintf(f, "btid:     %s\nlifetime: until %s\n", k->btid, expires);
	else
		fprintf(f, "btid:     none; 'gba-ue bootstrap' makes one\n");
	if (k->has_tmpi) {
		tmpi_format(tmpi, k->tmpi);
		fprintf(f, "tmpi:     %s\n", tmpi);
	}
}

static void with_result(bool json, const char *result, const struct key_store *k)
{
	json_t *o;

	if (!json) {
		identity_text(stdout, k);
		return;
	}
	o = identity_json(k);
	json_object_set_new(o, "result", json_string(result));
	print_json(o);
}

void report_bootstrap(bool json, const struct key_store *k)
{
	with_result(json, "bootstrapped", k);
}

void report_status(bool json, const struct key_store *k)
{
	with_result(json, k->has_ks ? "key" : "no key", k);
}

void report_get(bool json, const char *url, const struct key_store *k, const struct ua_result *r)
{
	const struct http_answer *a = &r->answer;
	json_t *o, *body;

	if (!json) {
		fprintf(stderr, "%s: HTTP %ld%s%s%s%s\n", url, a->status, r->used_gba ? ", key " : ", no GBA asked",
			r->used_gba ? r->fingerprint : "", r->bootstrapped ? ", bootstrapped for it" : "",
			r->answer_proved ? ", answer proved" : "");
		fwrite(a->body ? (const char *)a->body : "", 1, a->body_len, stdout);
		return;
	}
	o = identity_json(k);
	json_object_set_new(o, "result", json_string("answered"));
	json_object_set_new(o, "url", json_string(url));
	json_object_set_new(o, "status", json_integer(a->status));
	json_object_set_new(o, "bootstrapped", json_boolean(r->bootstrapped));
	json_object_set_new(o, "used_gba", json_boolean(r->used_gba));
	json_object_set_new(o, "answer_proved", json_boolean(r->answer_proved));
	if (r->used_gba)
		json_object_set_new(o, "key_fingerprint", json_string(r->fingerprint));
	body = json_stringn(a->body ? (const char *)a->body : "", a->body_len);
	/* NULL if the body is no UTF-8 */
	json_object_set_new(o, "body", body ? body : json_null());
	print_json(o);
}

void report_error(bool json, enum ue_exit code, const char *reason)
{
	static const char *const names[] = {
		[UE_OK] = "ok",
		[UE_USAGE] = "usage",
		[UE_REFUSED] = "refused",
		[UE_DISTRUST] = "distrusted",
		[UE_UNREACHABLE] = "unreachable",
	};
	json_t *o;

	if (!json) {
		fprintf(stderr, "gba-ue: %s\n", reason);
		return;
	}
	o = json_object();
	json_object_set_new(o, "result", json_string(names[code]));
	json_object_set_new(o, "reason", json_string(reason));
	print_json(o);
}
