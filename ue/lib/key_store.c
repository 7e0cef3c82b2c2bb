/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/key_store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jansson.h>

#include "common/base/hex.h"
#include "common/gba/gba_time.h"
#include "ue/state_file.h"

static bool get_octets(const json_t *o, const char *name, uint8_t *out, size_t len)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text && hex_decode(out, len, text, strlen(text)) == (int)len;
}

/* What a sealed Ks is of: the same octets under another B-TID or identity are none. */
static struct span whose(const struct key_store *ks, const char *btid, char text[IMPI_MAX + BTID_MAX + 2])
{
	int n = snprintf(text, IMPI_MAX + BTID_MAX + 2, "%s %s", ks->impi.s, btid);

	return span_of(text, (size_t)n);
}

/* A file half understood is not used: the device simply bootstraps again. */
static void read_ks(struct key_store *ks, const json_t *o)
{
	const char *btid = json_string_value(json_object_get(o, "btid"));
	const char *expires = json_string_value(json_object_get(o, "expires"));
	const char *sealed = json_string_value(json_object_get(o, "sealed"));
	char text[IMPI_MAX + BTID_MAX + 2];
	struct btid id;

	if (!btid || !expires || btid_parse(&id, (const uint8_t *)btid, strlen(btid)) < 0 ||
	    !get_octets(o, "rand", ks->rand, sizeof(ks->rand)) ||
	    date_time_parse(&ks->expires_at, span_str(expires)) < 0)
		return;
	ks->on_card = json_is_true(json_object_get(o, "on-card"));
	if (!ks->on_card &&
	    (!sealed || key_seal_open(ks->seal, &ks->ks, sealed, whose(ks, btid, text)) < 0 || ks->ks.len != 32)) {
		secret_clear(&ks->ks);
		return;
	}
	strcpy(ks->btid, btid);
	ks->has_ks = true;
}

static void read_limit(struct ue_limit *l, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list) && i < UE_LIMIT_PAST; i++) {
		const json_t *one = json_array_get(list, i);

		if (!get_octets(one, "naf", l->past[l->n].naf, UE_LIMIT_NAF))
			continue;
		l->past[l->n++].at = (time_t)json_integer_value(json_object_get(one, "at"));
	}
}

static bool is_text(const json_t *o, const char *name, const char *want)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text && strcmp(text, want) == 0;
}

/* \param[out] foreign of another card \param[out] lost a key that cannot be used is in it */
static int read_file(struct key_store *ks, bool *foreign, bool *lost, struct err *err)
{
	char *text;
	size_t len;
	json_t *o;
	int rc = state_file_read(ks->path, &text, &len, err);

	if (rc < 0)
		return rc;
	o = json_loadb(text, len, 0, NULL);
	OPENSSL_cleanse(text, len);
	free(text);
	*foreign = !is_text(o, "card", ks->serial) || !is_text(o, "impi", ks->impi.s);
	if (!*foreign) {
		read_ks(ks, o);
		*lost = !ks->has_ks && json_object_get(o, "btid");
		ks->has_tmpi = get_octets(o, "tmpi", ks->tmpi, sizeof(ks->tmpi));
		read_limit(&ks->limit, json_object_get(o, "renewals"));
	}
	json_decref(o);
	return 0;
}

static int set_path(char path[KEY_STORE_PATH_MAX], const char *beside, struct err *err)
{
	if ((size_t)snprintf(path, KEY_STORE_PATH_MAX, "%s.gba", beside) >= KEY_STORE_PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "%s: path too long", beside);
	return 0;
}

int key_store_open(struct key_store *ks, const char *beside, const char *serial, const struct impi *impi, time_t now,
		   struct err *err)
{
	char key[KEY_STORE_PATH_MAX + 4];
	bool foreign = false, lost = false;
	int rc;

	memset(ks, 0, sizeof(*ks));
	rc = set_path(ks->path, beside, err);
	if (rc < 0)
		return rc;
	snprintf(ks->serial, sizeof(ks->serial), "%s", serial);
	ks->impi = *impi;
	snprintf(key, sizeof(key), "%s.key", ks->path);
	ks->seal = key_seal_new(key, err);
	if (!ks->seal)
		return -EIO;
	rc = read_file(ks, &foreign, &lost, err);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0 && foreign)
		rc = key_store_forget(ks, true, err);
	else if (rc == 0 && (lost || (ks->has_ks && ks->expires_at <= now)))
		rc = key_store_forget(ks, false, err);
	if (rc < 0)
		key_store_close(ks);
	return rc;
}

int key_store_others(const char *beside, struct err *err)
{
	const char *slash = strrchr(beside, '/'), *name = slash ? slash + 1 : beside;
	char folder[KEY_STORE_PATH_MAX];
	const size_t len = strlen(name);
	struct dirent *e;
	int rc = 0;
	DIR *d;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - beside + 1) : 1, slash ? beside : ".");
	d = opendir(folder);
	while (d && (e = readdir(d))) {
		const char *end = strrchr(e->d_name, '.');

		if (strncmp(e->d_name, name, len) != 0 || e->d_name[len] != '@' || !end || strcmp(end, ".gba") != 0)
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) < 0)
			rc = err_set(err, -errno, "%s: %s", e->d_name, strerror(errno));
	}
	if (d)
		closedir(d);
	return rc;
}

int key_store_no_card(const char *beside, struct err *err)
{
	char path[KEY_STORE_PATH_MAX];
	int rc = set_path(path, beside, err);

	if (rc < 0)
		return rc;
	rc = unlink(path) < 0 && errno != ENOENT ? err_set(err, -errno, "%s: %s", path, strerror(errno)) : 0;
	return key_store_others(beside, err) < 0 ? -EIO : rc;
}

static int put_ks(json_t *o, const struct key_store *ks)
{
	char hex[2 * AKA_RAND_LEN + 1], when[DATE_TIME_LEN + 1], sealed[KEY_SEAL_HEX];
	char text[IMPI_MAX + BTID_MAX + 2];
	int rc = 0;

	if (!ks->has_ks || date_time_format(when, ks->expires_at) < 0)
		return 0;
	json_object_set_new(o, "btid", json_string(ks->btid));
	json_object_set_new(o, "expires", json_string(when));
	hex_encode(hex, sizeof(hex), ks->rand, sizeof(ks->rand));
	json_object_set_new(o, "rand", json_string(hex));
	if (ks->on_card) {
		json_object_set_new(o, "on-card", json_true());
	} else {
		rc = key_seal_put(ks->seal, sealed, &ks->ks, whose(ks, ks->btid, text));
		json_object_set_new(o, "sealed", json_string(rc < 0 ? "" : sealed));
	}
	return rc;
}

static void put_limit(json_t *o, const struct ue_limit *l)
{
	json_t *list = json_array();
	char hex[2 * UE_LIMIT_NAF + 1];

	for (size_t i = 0; i < l->n; i++) {
		hex_encode(hex, sizeof(hex), l->past[i].naf, UE_LIMIT_NAF);
		json_array_append_new(list, json_pack("{s:s,s:I}", "naf", hex, "at", (json_int_t)l->past[i].at));
	}
	json_object_set_new(o, "renewals", list);
}

int key_store_save(const struct key_store *ks, struct err *err)
{
	char hex[2 * TMPI_LEN + 1];
	json_t *o = json_object();
	char *text;
	int rc = put_ks(o, ks);

	json_object_set_new(o, "card", json_string(ks->serial));
	json_object_set_new(o, "impi", json_string(ks->impi.s));
	if (ks->has_tmpi) {
		hex_encode(hex, sizeof(hex), ks->tmpi, sizeof(ks->tmpi));
		json_object_set_new(o, "tmpi", json_string(hex));
	}
	if (ks->limit.n)
		put_limit(o, &ks->limit);
	text = json_dumps(o, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(o);
	if (!text || rc < 0) {
		free(text);
		return err_set(err, rc < 0 ? rc : -ENOMEM, "%s: cannot be made", ks->path);
	}
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
		ks->limit.n = 0;
	}
	return key_store_save(ks, err);
}

void key_store_clear(struct key_store *ks)
{
	OPENSSL_cleanse(ks, sizeof(*ks));
}

void key_store_close(struct key_store *ks)
{
	key_seal_free(ks->seal);
	key_store_clear(ks);
}
