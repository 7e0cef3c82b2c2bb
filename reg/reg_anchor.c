/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "common/base/b64.h"
#include "common/base/hex.h"
#include "common/base/regular.h"
#include "common/gba/gba_time.h"
#include "common/rt/log_cat.h"

#define SIGNATURE_MAX 80  /* octets: Ed25519 64; of P-256 up to 72, DER */
#define HEAD_MAX      128 /* "TIME ROW HASH" */

static EVP_PKEY *signer; /* set before the threads that read it */

/* --- keys */

static bool may_sign(EVP_PKEY *key)
{
	char group[32] = "";

	return EVP_PKEY_is_a(key, "ED25519") ||
	       (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) && strcmp(group, "prime256v1") == 0);
}

static EVP_PKEY *anchor_key(const char *path, bool is_private, struct err *err)
{
	EVP_PKEY *key = NULL;
	struct stat st;
	FILE *f;

	if (regular_fopen(&f, path, err) < 0)
		return NULL;
	if (fstat(fileno(f), &st) < 0)
		err_set(err, -errno, "%s: %s", path, strerror(errno));
	else if (is_private && (st.st_mode & 077))
		err_set(err, -EPERM, "%s may be read by others; allowed: mode 0600 or 0400", path);
	else {
		char none[] = ""; /* else OpenSSL asks on the terminal */

		key = is_private ? PEM_read_PrivateKey(f, NULL, NULL, none) : PEM_read_PUBKEY(f, NULL, NULL, none);
		if (!key || !may_sign(key)) {
			EVP_PKEY_free(key);
			key = NULL;
			err_set(err, -EINVAL, "%s: allowed: a %s key, Ed25519 or EC P-256, in PEM without a passphrase",
				path, is_private ? "private" : "public");
		}
	}
	fclose(f);
	return key;
}

int reg_anchor_open(const char *path, struct err *err)
{
	reg_anchor_close();
	signer = path ? anchor_key(path, true, err) : NULL;
	return path && !signer ? -EINVAL : 0;
}

void reg_anchor_close(void)
{
	EVP_PKEY_free(signer);
	signer = NULL;
}

static const EVP_MD *anchor_digest(EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
}

/* \returns characters written, behind a blank; 0: nobody signs; -EIO */
static int sign(char *out, size_t cap, const char *head)
{
	uint8_t octets[SIGNATURE_MAX];
	size_t len = sizeof(octets);
	EVP_MD_CTX *md;
	bool ok;

	if (!signer)
		return 0;
	md = EVP_MD_CTX_new();
	ok = md && EVP_DigestSignInit(md, NULL, anchor_digest(signer), NULL, signer) == 1 &&
	     EVP_DigestSign(md, octets, &len, (const uint8_t *)head, strlen(head)) == 1;
	EVP_MD_CTX_free(md);
	out[0] = ' ';
	return ok && b64_encode(out + 1, cap - 1, octets, len) > 0 ? 1 + (int)B64_LEN(len) : -EIO;
}

static bool is_signed_by(EVP_PKEY *key, const char *head, size_t head_len, const char *signature)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t octets[SIGNATURE_MAX];
	int len = b64_decode(octets, sizeof(octets), signature, strlen(signature));
	bool ok = md && len > 0 && EVP_DigestVerifyInit(md, NULL, anchor_digest(key), NULL, key) == 1 &&
		  EVP_DigestVerify(md, octets, (size_t)len, (const uint8_t *)head, head_len) == 1;

	EVP_MD_CTX_free(md);
	return ok;
}

/* --- written */

static int append(const char *file, const char *line, struct err *err)
{
	int fd = regular_open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0600, err), rc = 0;

	if (fd < 0)
		return fd;
	if (write(fd, line, strlen(line)) != (ssize_t)strlen(line) || fsync(fd) < 0)
		rc = err_set(err, -EIO, "%s: %s", file, strerror(errno));
	close(fd);
	return rc;
}

int reg_anchor_write(struct reg_head *head, struct reg_db *db, const char *file, struct err *err)
{
	char at[DATE_TIME_LEN + 1] = "", hash[2 * REG_HASH + 1], line[HEAD_MAX + B64_LEN(SIGNATURE_MAX) + 3];
	int len, n;

	if (reg_audit_last(head, db) < 0)
		return err_set(err, -EIO, "database: %s", sqlite3_errmsg(db->sql));
	date_time_format(at, time(NULL));
	hex_encode(hash, sizeof(hash), head->hash, REG_HASH);
	len = snprintf(line, sizeof(line), "%s %" PRId64 " %s", at, head->seq, hash);
	n = sign(line + len, sizeof(line) - (size_t)len - 1, line);
	if (n < 0)
		return err_set(err, n, "the key does not sign");
	LOGT(DSTORE, LOGL_NOTICE, "audit: row %" PRId64 " is the last one, its hash %s\n", head->seq, hash);
	if (n)
		LOGT(DSTORE, LOGL_NOTICE, "audit: signed %s\n", line);
	strcpy(line + len + n, "\n");
	return file ? append(file, line, err) : 0;
}

/* --- looked at */

struct anchor_line {
	char at[32], hash[2 * REG_HASH + 1], signature[B64_LEN(SIGNATURE_MAX) + 1]; /* signature "": none */
	int64_t row;
	size_t head_len; /* octets that are signed */
};

static int anchor_line_read(struct anchor_line *out, const char *text)
{
	int end = 0, n;

	out->signature[0] = '\0';
	n = sscanf(text, "%31s %" SCNd64 " %64[0-9a-f]%n %108s", out->at, &out->row, out->hash, &end, out->signature);
	out->head_len = (size_t)end;
	return n >= 3 && strlen(out->hash) == 2 * (size_t)REG_HASH ? 0 : -EBADMSG;
}

/* Does the chain have it? */
static bool in_chain(struct reg_db *db, const struct anchor_line *l)
{
	char is[2 * REG_HASH + 1] = "";
	sqlite3_stmt *q;

	if (!l->row)
		return true;
	if (reg_db_ask(db, &q, "SELECT hash FROM audit WHERE seq = ?1", "i", l->row) > 0) {
		if (sqlite3_column_bytes(q, 0) == REG_HASH)
			hex_encode(is, sizeof(is), sqlite3_column_blob(q, 0), REG_HASH);
		reg_db_end(q);
	}
	return strcmp(is, l->hash) == 0;
}

static int verify_line(struct reg_anchored *out, struct reg_db *db, const char *text, EVP_PKEY *key, struct err *err)
{
	struct anchor_line l;
	long long n = (long long)++out->lines;

	if (anchor_line_read(&l, text) < 0)
		return err_set(err, -EBADMSG, "line %lld of the anchor is none", n); /* any file may be named */
	if (key && !l.signature[0] && out->is_signed)
		return err_set(err, -EBADMSG, "line %lld of the anchor is not signed, and one before it is", n);
	if (key && l.signature[0] && !is_signed_by(key, text, l.head_len, l.signature))
		return err_set(err, -EBADMSG, "line %lld of the anchor is not signed by this key, or was altered", n);
	if (!in_chain(db, &l))
		return err_set(err, -EBADMSG,
			       "row %" PRId64 " was the last one at %s, and is not there, or is another one: "
			       "rows were cut off or written anew",
			       l.row, l.at);
	out->is_signed += l.signature[0] != '\0';
	out->row = l.row;
	strcpy(out->at, l.at);
	return 0;
}

static int verify_lines(struct reg_anchored *out, struct reg_db *db, const char *file, EVP_PKEY *key, struct err *err)
{
	char *line = NULL;
	size_t cap = 0;
	FILE *f;
	int rc = 0;

	if (regular_fopen(&f, file, err) < 0)
		return -EIO;
	while (rc == 0 && getline(&line, &cap, f) > 0)
		rc = verify_line(out, db, line, key, err);
	free(line);
	fclose(f);
	return rc;
}

int reg_anchor_verify(struct reg_anchored *out, struct reg_db *db, const char *file, const char *path, struct err *err)
{
	EVP_PKEY *key = path ? anchor_key(path, false, err) : signer;
	int rc = path && !key ? -EINVAL : 0;

	*out = (struct reg_anchored){ 0 };
	if (rc == 0)
		rc = verify_lines(out, db, file, key, err);
	if (rc == 0 && path && !out->is_signed)
		rc = err_set(err, -EBADMSG, "no line of the anchor is signed");
	if (path)
		EVP_PKEY_free(key);
	return rc;
}
