/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/agent/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "common/base/secret.h"
#include "common/gba/gba_time.h"

static json_t *outcome(const char *result, enum gba_ue_reason reason, const char *cause, long status, const char *run)
{
	json_t *o = json_object();

	json_object_set_new(o, "result", json_string(result));
	json_object_set_new(o, "reason", json_integer(reason));
	json_object_set_new(o, "cause", json_string(cause));
	json_object_set_new(o, "status", status ? json_integer(status) : json_null());
	json_object_set_new(o, "run", run && run[0] ? json_string(run) : json_null());
	return o;
}

/* \param[in] key base64, or NULL. Takes o */
static void put_line(struct answer *a, json_t *o, const char *key)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	int n;

	json_decref(o);
	if (!text)
		n = snprintf(a->s, sizeof(a->s), "{\"result\":\"refused\",\"reason\":3,\"cause\":\"local\"}\n");
	else if (key)
		n = snprintf(a->s, sizeof(a->s), "%.*s,\"key\":\"%s\"}\n", (int)strlen(text) - 1, text, key);
	else
		n = snprintf(a->s, sizeof(a->s), "%s\n", text);
	a->len = (size_t)n < sizeof(a->s) ? (size_t)n : sizeof(a->s) - 1;
	free(text);
}

static void put_life(json_t *o, const char *btid, int64_t expires_at)
{
	char when[DATE_TIME_LEN + 1];

	json_object_set_new(o, "btid", json_string(btid));
	if (date_time_format(when, (time_t)expires_at) == 0)
		json_object_set_new(o, "lifetime", json_string(when));
	json_object_set_new(o, "expires", json_integer(expires_at));
}

void answer_key(struct answer *a, const struct gba_ue_key *key, long status)
{
	char password[GBA_UE_PASSWORD_LEN + 1];
	bool octets = gba_ue_key_password(key, password) == 0;
	json_t *o = outcome(octets ? "key" : "bootstrapped", GBA_UE_OK, "ok", status, gba_ue_key_run(key));

	json_object_set_new(o, "realm", json_string(gba_ue_key_realm(key)));
	put_life(o, gba_ue_key_btid(key), gba_ue_key_expires_at(key));
	json_object_set_new(o, "bootstrapped", json_boolean(gba_ue_key_bootstrapped(key)));
	if (octets) {
		json_object_set_new(o, "naf", json_string(gba_ue_key_naf(key)));
		json_object_set_new(o, "fingerprint", json_string(gba_ue_key_fingerprint(key)));
	}
	put_line(a, o, octets ? password : NULL);
	OPENSSL_cleanse(password, sizeof(password));
}

void answer_refusal(struct answer *a, enum gba_ue_reason reason, const char *cause, const char *text, long status,
		    const char *run)
{
	json_t *o = outcome("refused", reason, cause, status, run);

	json_object_set_new(o, "text", json_string(text));
	put_line(a, o, NULL);
}

void answer_done(struct answer *a, const char *result)
{
	put_line(a, outcome(result, GBA_UE_OK, "ok", 0, NULL), NULL);
}

static json_t *realm(const struct gba_ue_token *t)
{
	json_t *o = json_object();

	json_object_set_new(o, "realm", json_string(t->realm));
	json_object_set_new(o, "active", json_boolean(t->active));
	json_object_set_new(o, "card", json_boolean(t->card));
	if (t->why[0])
		json_object_set_new(o, "text", json_string(t->why));
	if (t->identity[0])
		json_object_set_new(o, "impi", json_string(t->identity));
	if (t->tmpi[0])
		json_object_set_new(o, "tmpi", json_string(t->tmpi));
	if (t->key) {
		put_life(o, t->btid, t->expires_at);
		json_object_set_new(o, "run", json_string(t->run));
		json_object_set_new(o, "on_card", json_boolean(t->on_card));
	}
	return o;
}

void answer_list(struct answer *a, const char *result, struct gba_ue *ue)
{
	json_t *o = outcome(result, GBA_UE_OK, "ok", 0, NULL), *list = json_array();
	const struct gba_ue_token *t;

	for (size_t i = 0; (t = gba_ue_token_at(ue, i)); i++)
		json_array_append_new(list, realm(t));
	json_object_set_new(o, "realms", list);
	put_line(a, o, NULL);
}

void answer_change(struct answer *a, const struct change *c)
{
	const struct key_store *k = &c->realm->keys;
	const bool key = c->realm->card && k->has_ks;
	char run[RUN_ID_LEN + 1] = "";
	json_t *o;

	if (key)
		run_id(run, k->rand);
	o = outcome("changed", GBA_UE_OK, "ok", 0, run);
	json_object_set_new(o, "what", json_string(c->what));
	json_object_set_new(o, "realm", json_string(c->realm->name));
	if (key)
		put_life(o, k->btid, k->expires_at);
	put_line(a, o, NULL);
}
