/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/key_seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/hex.h"
#include "common/crypto/rng.h"
#include "common/crypto/seal.h"
#include "ue/state_file.h"

#define LABEL   "gba ue ks v1 "
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

struct key_seal {
	struct seal *seal;
};

static int key_make(const char *path, struct err *err)
{
	uint8_t octets[SEAL_KEK_LEN];
	char hex[2 * SEAL_KEK_LEN + 2];
	int rc = rng_fill(octets, sizeof(octets));

	if (rc < 0)
		return err_set(err, rc, "no random octets");
	hex_encode(hex, sizeof(hex), octets, sizeof(octets));
	rc = state_file_write(path, hex, 2 * sizeof(octets), err);
	OPENSSL_cleanse(octets, sizeof(octets));
	OPENSSL_cleanse(hex, sizeof(hex));
	return rc;
}

/* Another one at each power-up. Without one (no /proc) the key of the file is all there is. */
static size_t boot_id(char *out, size_t cap)
{
	FILE *f = fopen(BOOT_ID, "re");
	size_t n = f ? fread(out, 1, cap, f) : 0;

	if (f)
		fclose(f);
	return n;
}

/* This power-up's key of the one in the file. */
static int boot_key(struct secret *kek, const char *path, struct err *err)
{
	char text[sizeof(LABEL) + 64] = LABEL, why[ERR_MAX];
	SECRET_AUTO file = { 0 };
	uint8_t out[32];
	int rc = access(path, F_OK) < 0 && errno == ENOENT ? key_make(path, err) : 0;

	if (rc < 0)
		return rc;
	rc = secret_read_file(&file, SEAL_KEK_LEN, path, why, sizeof(why));
	if (rc < 0)
		return err_set(err, rc, "%s", why);
	rc = seal_index(out, &file, span_of(text, strlen(LABEL) + boot_id(text + strlen(LABEL), 64)));
	if (rc == 0)
		rc = secret_set(kek, out, sizeof(out));
	OPENSSL_cleanse(out, sizeof(out));
	return rc;
}

struct key_seal *key_seal_new(const char *path, struct err *err)
{
	struct key_seal *s = calloc(1, sizeof(*s));
	struct seal_kek kek = { .id = 1 };

	if (s && boot_key(&kek.key, path, err) == 0)
		s->seal = seal_new(&kek, 1, err);
	secret_clear(&kek.key);
	if (s && s->seal)
		return s;
	key_seal_free(s);
	return NULL;
}

void key_seal_free(struct key_seal *s)
{
	if (!s)
		return;
	seal_free(s->seal);
	free(s);
}

int key_seal_put(struct key_seal *s, char hex[KEY_SEAL_HEX], const struct secret *key, struct span whose)
{
	uint8_t octets[SECRET_MAX + SEAL_OVERHEAD];
	int n = seal_put(s->seal, octets, sizeof(octets), span_of(key->b, key->len), whose);

	if (n < 0)
		return n;
	hex_encode(hex, KEY_SEAL_HEX, octets, (size_t)n);
	return 0;
}

int key_seal_open(struct key_seal *s, struct secret *key, const char *hex, struct span whose)
{
	uint8_t octets[SECRET_MAX + SEAL_OVERHEAD_MAX], plain[SECRET_MAX];
	int n = hex_decode(octets, sizeof(octets), hex, strlen(hex));

	n = n < 0 ? n : seal_open(s->seal, plain, sizeof(plain), span_of(octets, (size_t)n), whose);
	n = n < 0 ? -EBADMSG : secret_set(key, plain, (size_t)n);
	OPENSSL_cleanse(plain, sizeof(plain));
	return n;
}
