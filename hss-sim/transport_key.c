/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/transport_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/evp.h>
#include "common/base/hex.h"
#include "common/base/regular.h"

#define BLOCK     16
#define CHECK_MIN 3

static const char *const columns[TRANSPORT_COLUMNS] = { "k", "op", "opc" };

static int column_of(const char *name)
{
	for (int i = 0; i < TRANSPORT_COLUMNS; i++) {
		if (strcmp(columns[i], name) == 0)
			return i;
	}
	return -1;
}

static const EVP_CIPHER *cbc_of(size_t key_len)
{
	return key_len == 16 ? EVP_aes_128_cbc() : key_len == 24 ? EVP_aes_192_cbc() : EVP_aes_256_cbc();
}

/* CBC without padding, one way or the other. */
static int transport_crypt(uint8_t *out, const uint8_t *in, int len, const struct secret *key, const uint8_t iv[BLOCK],
			   int encrypt)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0, rc = -EIO;

	if (c && EVP_CipherInit_ex(c, cbc_of(key->len), NULL, key->b, iv, encrypt) == 1 &&
	    EVP_CIPHER_CTX_set_padding(c, 0) == 1 && EVP_CipherUpdate(c, out, &n, in, len) == 1 && n == len)
		rc = 0;
	EVP_CIPHER_CTX_free(c);
	return rc;
}

/* --- the file */

static int read_hex(uint8_t *out, size_t cap, const char *word)
{
	return word ? hex_decode(out, cap, word, strlen(word)) : -1;
}

static int transport_set(struct transport_key *t, const char *word)
{
	uint8_t octets[32];
	int n = read_hex(octets, sizeof(octets), word);

	if (n == 16 || n == 24 || n == 32)
		secret_set(&t->key, octets, (size_t)n);
	OPENSSL_cleanse(octets, sizeof(octets));
	return t->key.len ? 0 : -1;
}

/* \returns 0; -1 no check value; -2 the key is another */
static int check_key(struct transport_key *t, const char *word)
{
	static const uint8_t zeros[BLOCK];
	uint8_t want[BLOCK], got[BLOCK];
	int n = read_hex(want, sizeof(want), word);

	if (n < CHECK_MIN || transport_crypt(got, zeros, BLOCK, &t->key, zeros, 1) < 0)
		return -1;
	t->checked = octets_equal(want, got, (size_t)n);
	return t->checked ? 0 : -2;
}

#define LINE_ALLOWED \
	"COLUMN key HEX iv HEX [check HEX]; COLUMN k, op or opc, key of 32, 48 or 64 hex digits, iv of 32, check of 6 to 32"

static int read_line(struct transport_keys *t, char *line, const char *path, int n, struct err *err)
{
	static const char sep[] = " \t\r\n";
	char *column = strtok(line, sep);
	struct transport_key *k;
	char *word;
	int c = column_of(column), rc = 0;

	if (c < 0)
		return err_set(err, -EBADMSG, "%s:%d: no column; allowed: " LINE_ALLOWED, path, n);
	k = &t->of[c];
	if (k->key.len)
		return err_set(err, -EBADMSG, "%s:%d: %s is there twice; allowed: each once", path, n, columns[c]);
	word = strtok(NULL, sep);
	if (!word || strcmp(word, "key") != 0 || transport_set(k, strtok(NULL, sep)) < 0)
		return err_set(err, -EBADMSG, "%s:%d: no key; allowed: " LINE_ALLOWED, path, n);
	word = strtok(NULL, sep);
	if (!word || strcmp(word, "iv") != 0 || read_hex(k->iv, sizeof(k->iv), strtok(NULL, sep)) != BLOCK)
		return err_set(err, -EBADMSG, "%s:%d: no iv; allowed: " LINE_ALLOWED, path, n);
	word = strtok(NULL, sep);
	if (word)
		rc = strcmp(word, "check") == 0 ? check_key(k, strtok(NULL, sep)) : -1;
	if (rc == -2)
		return err_set(err, -EBADMSG,
			       "%s:%d: the check value is another key's; allowed: the key it was made with", path, n);
	if (rc < 0 || strtok(NULL, sep))
		return err_set(err, -EBADMSG, "%s:%d: what stands behind iv; allowed: " LINE_ALLOWED, path, n);
	return 0;
}

static int transport_lines(struct transport_keys *t, FILE *f, const char *path, struct err *err)
{
	char line[500];
	int rc = 0;

	for (int n = 1; rc == 0 && fgets(line, sizeof(line), f); n++) {
		const char *p = line + strspn(line, " \t\r\n");

		if (*p && *p != '!' && *p != '#')
			rc = read_line(t, line, path, n, err);
	}
	OPENSSL_cleanse(line, sizeof(line));
	if (rc == 0 && ferror(f))
		rc = err_set(err, -EIO, "%s: cannot be read", path);
	return rc;
}

int transport_keys_read(struct transport_keys *out, const char *path, struct err *err)
{
	struct transport_keys t = { 0 };
	char buf[4096];
	struct stat st;
	FILE *f;
	int rc = regular_fopen(&f, path, err);

	if (rc < 0)
		return rc == -ENOENT ? rc : -EACCES;
	setvbuf(f, buf, _IOFBF, sizeof(buf)); /* ours, so that it can be wiped */
	if (fstat(fileno(f), &st) < 0 || (st.st_mode & 077))
		rc = err_set(err, -EACCES,
			     "%s: holds keys; allowed: a regular file that only its owner can read, do: chmod 600 %s",
			     path, path);
	else
		rc = transport_lines(&t, f, path, err);
	fclose(f);
	OPENSSL_cleanse(buf, sizeof(buf));
	if (rc == 0)
		*out = t;
	transport_keys_clear(&t);
	return rc;
}

void transport_keys_clear(struct transport_keys *t)
{
	OPENSSL_cleanse(t, sizeof(*t));
}

/* --- using them */

static const struct transport_key *key_for(const struct transport_keys *t, const char *column)
{
	int c = column_of(column);

	return t && c >= 0 && t->of[c].key.len ? &t->of[c] : NULL;
}

bool transport_keys_have(const struct transport_keys *t, const char *column)
{
	return key_for(t, column) != NULL;
}

bool transport_keys_unchecked(const struct transport_keys *t)
{
	for (int i = 0; i < TRANSPORT_COLUMNS; i++) {
		if (t->of[i].key.len && !t->of[i].checked)
			return true;
	}
	return false;
}

int transport_keys_open(const struct transport_keys *t, const char *column, struct secret *value)
{
	const struct transport_key *k = key_for(t, column);
	SECRET_AUTO plain = { .len = value->len };
	int rc;

	if (!k)
		return 0;
	rc = transport_crypt(plain.b, value->b, value->len, &k->key, k->iv, 0);
	if (rc == 0)
		*value = plain;
	return rc;
}
