/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/key_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "common/base/hex.h"
#include "common/gba/gba_time.h"
#include "ue/state_file.h"

static bool get_octets(const json_t *o, const char *name, uint8_t *out, size_t len)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text && hex_decode(out, len, text, strlen(text)) == (int)len;
}

/* A file half understood is not used: the device simply bootstraps again. */
static void read_ks(struct key_store *ks, const json_t *o)
{
	const char *btid = json_string_value(json_object_get(o, "btid"));
	const char *expires = json_string_value(json_object_get(o, "expires"));
	struct btid id;
	uint8_t key[32];

	ks->on_card = json_is_true(json_object_get(o, "on-card"));
	if (!btid || !expires || btid_parse(&id, (const uint8_t *)btid, strlen(btid)) < 0 ||
	    (!ks->on_card && !get_octets(o, "ks", key, sizeof(key))) ||
	    !get_octets(o, "rand", ks->rand, sizeof(ks->rand)) ||
	    date_time_parse(&ks->expires_at, span_str(expires)) < 0)
		return;
	if (!ks->on_card)
		secret_set(&ks->ks, key, sizeof(key));
	OPENSSL_cleanse(key, sizeof(key));
	strcpy(ks->btid, btid);
	ks->has_ks = true;
}

static int read_file(struct key_store *ks, bool *foreign, struct err *err)
{
	const char *imsi;
	char *text;
	size_t len;
	json_t *o;
	int rc = state_file_read(ks->path, &text, &len, err);

	if (rc < 0)
		return rc;
	o = json_loadb(text, len, 0, NULL);
	OPENSSL_cleanse(text, len);
	free(text);
	imsi = json_string_value(json_object_get(o, "imsi"));
	*foreign = !imsi || strcmp(imsi, ks->imsi) != 0;
	if (!*foreign) {
		read_ks(ks, o);
		ks->has_tmpi = get_octets(o, "tmpi", ks->tmpi, sizeof(ks->tmpi));
	}
	json_decref(o);
	return 0;
}

int key_store_open(struct key_store *ks, const char *card_state_path, const char *imsi, const struct impi *impi,
		   time_t now, struct err *err)
{
	bool foreign = false;
	int rc;

	memset(ks, 0, sizeof(*ks));
	if ((size_t)snprintf(ks->path, sizeof(ks->path), "%s.gba", card_state_path) >= sizeof(ks->path))
		return err_set(err, -ENAMETOOLONG, "%s: path too long", card_state_path);
	snprintf(ks->imsi, sizeof(ks->imsi), "%s", imsi);
	ks->impi = *impi;
	rc = read_file(ks, &foreign, err);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	if (foreign)
		return key_store_forget(ks, true, err);
	if (ks->has_ks && ks->expires_at <= now)
		return key_store_forget(ks, false, err);
	return 0;
}

int key_store_save(const struct key_store *ks, struct err *err)
{
	char hex[2 * 32 + 1], when[DATE_TIME_LEN + 1];
	json_t *o = json_object();
	char *text;
	int rc;

	json_object_set_new(o, "imsi", json_string(ks->imsi));
	if (ks->has_ks && date_time_format(when, ks->expires_at) == 0) {
		json_object_set_new(o, "btid", json_string(ks->btid));
		json_object_set_new(o, "expires", json_string(when));
		hex_encode(hex, sizeof(hex), ks->rand, sizeof(ks->rand));
		json_object_set_new(o, "rand", json_string(hex));
		hex_encode(hex, sizeof(hex), ks->ks.b, ks->ks.len);
		json_object_set_new(o, ks->on_card ? "on-card" : "ks", ks->on_card ? json_true() : json_string(hex));
	}
	if (ks->has_tmpi) {
		hex_encode(hex, sizeof(hex), ks->tmpi, sizeof(ks->tmpi));
		json_object_set_new(o, "tmpi", json_string(hex));
	}
	OPENSSL_cleanse(hex, sizeof(hex));
	text = json_dumps(o, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(o);
	if (!text)
		return -ENOMEM;
	rc = state_file_write(ks->path, text, strlen(text), err);
	OPENSSL_cleanse(text, strlen(text));
	free(text);
	return rc;
}

int key_store_forget(struct key_store *ks, bool with_tmpi, struct err *err)
{
	secret_clear(&ks->ks);
	OPENSSL_cleanse(ks->rand, sizeof(ks->rand));
	ks->has_ks = ks->on_card = false;
	ks->btid[0] = '\0';
	ks->expires_at = 0;
	if (with_tmpi) {
		ks->has_tmpi = false;
		OPENSSL_cleanse(ks->tmpi, sizeof(ks->tmpi));
	}
	return key_store_save(ks, err);
}

void key_store_clear(struct key_store *ks)
{
	OPENSSL_cleanse(ks, sizeof(*ks));
}
