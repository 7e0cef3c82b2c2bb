/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/kek_cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/rt/cfg_file.h"
#include "common/rt/kek_token.h"
#include "common/rt/pseudonym.h"

/* How and where one is read. */
static struct line {
	uint8_t id;
	bool credential; /* of systemd: name in CREDENTIALS_DIRECTORY */
	char *where;     /* as written */
	char *path;      /* absolute */
	/* in a token of PKCS#11; then the former are those of its PIN. module NULL: it is not */
	char *module, *token, *key;
	int line;
} lines[SEAL_KEKS_MAX];
static size_t n_lines;

#define KEK_HELP \
	"Key that seals what is stored; the first one seals, all open\n" \
	"Number of the key, kept in each record\n"

/* \returns the next one, counted once it is whole; NULL: rc */
static struct line *kek_next(struct vty *vty, const char *id, int *rc)
{
	struct line *k = &lines[n_lines % SEAL_KEKS_MAX];

	*rc = CMD_SUCCESS;
	if (!cfg_reading())
		*rc = cfg_after_restart(vty);
	else if (n_lines == SEAL_KEKS_MAX)
		*rc = cfg_fail(vty, "too many keys; allowed: %d", SEAL_KEKS_MAX);
	for (size_t i = 0; *rc == CMD_SUCCESS && i < n_lines; i++)
		if (lines[i].id == atoi(id))
			*rc = cfg_fail(vty, "key %s is there already; allowed: another number", id);
	if (*rc != CMD_SUCCESS)
		return NULL;
	*k = (struct line){ .id = (uint8_t)atoi(id), .line = cfg_line() };
	return k;
}

static char *credential_path(const char *name)
{
	const char *dir = secret_credentials();
	char *path = dir ? talloc_asprintf(tall_vty_ctx, "%s/%s", dir, name) : NULL;

	return path ? cfg_path(tall_vty_ctx, path) : NULL;
}

DEFUN(cfg_kek, cfg_kek_cmd, "kek <1-255> (file|credential) WHERE",
      KEK_HELP "64 hex digits in a file that only we may read\n"
	       "A credential of systemd\n"
	       "Path or name\n")
{
	int rc;
	struct line *k = kek_next(vty, argv[0], &rc);

	if (!k)
		return rc;
	k->credential = argv[1][0] == 'c';
	k->path = k->credential ? credential_path(argv[2]) : cfg_path(tall_vty_ctx, argv[2]);
	if (!k->path)
		return cfg_fail(vty, "systemd gave us no credentials; allowed: kek %s file PATH", argv[0]);
	k->where = talloc_strdup(tall_vty_ctx, argv[2]);
	n_lines++;
	return CMD_SUCCESS;
}

DEFUN(cfg_kek_pkcs11, cfg_kek_pkcs11_cmd, "kek <1-255> pkcs11 MODULE TOKEN KEY pin-file PATH",
      KEK_HELP "A generic secret that stays in a token\n"
	       "Library of the token\n"
	       "Label of the token\n"
	       "Label of the key\n"
	       "PIN\n"
	       "One line in a file that only we may read\n")
{
	int rc;
	struct line *k = kek_next(vty, argv[0], &rc);

	if (!k)
		return rc;
	k->module = talloc_strdup(tall_vty_ctx, argv[1]);
	k->token = talloc_strdup(tall_vty_ctx, argv[2]);
	k->key = talloc_strdup(tall_vty_ctx, argv[3]);
	k->where = talloc_strdup(tall_vty_ctx, argv[4]);
	k->path = cfg_path(tall_vty_ctx, argv[4]);
	n_lines++;
	return CMD_SUCCESS;
}

void kek_cfg_init(int node)
{
	install_element(node, &cfg_kek_cmd);
	install_element(node, &cfg_kek_pkcs11_cmd);
}

void kek_cfg_write(struct vty *vty)
{
	for (const struct line *k = lines; k < lines + n_lines; k++)
		if (k->module)
			vty_out(vty, " kek %u pkcs11 %s %s %s pin-file %s%s", k->id, k->module, k->token, k->key,
				k->where, VTY_NEWLINE);
		else
			vty_out(vty, " kek %u %s %s%s", k->id, k->credential ? "credential" : "file", k->where,
				VTY_NEWLINE);
}

size_t kek_cfg_ids(uint8_t *ids)
{
	for (size_t i = 0; i < n_lines; i++)
		ids[i] = lines[i].id;
	return n_lines;
}

/* --- the keys */

static int from_file(struct seal_kek *out, const struct line *k, struct err *err)
{
	char why[ERR_MAX - 128];
	int rc = secret_read_file(&out->key, SEAL_KEK_LEN, k->path, why, sizeof(why));

	if (rc == -ENOENT && k->credential)
		return cfg_error(err, rc, k->line,
				 "kek %u: systemd gives us no credential %.128s; allowed: one that LoadCredential= or "
				 "LoadCredentialEncrypted= of the service names",
				 k->id, k->where);
	return rc < 0 ? cfg_error(err, rc, k->line, "kek %u: %s; allowed: 64 hex digits in a file of mode 0600 or 0400",
				  k->id, why)
		      : 0;
}

static int from_token(struct seal_kek *out, const struct line *k, struct err *err)
{
	struct kek_token_cfg cfg = { .module = k->module, .label = k->token, .key = k->key };
	char why[ERR_MAX - 128];
	struct err e = { "" };
	int rc = secret_read_line(&cfg.pin, k->path, why, sizeof(why));

	if (rc < 0)
		return cfg_error(err, rc, k->line, "kek %u: PIN: %s; allowed: one line of 1 to %d octets", k->id, why,
				 SECRET_MAX);
	out->token = kek_token_open(&cfg, &e);
	out->hmac = kek_token_hmac;
	secret_clear(&cfg.pin);
	return out->token ? 0
			  : cfg_error(err, -EIO, k->line, "kek %u: token %.40s, key %.40s: %.160s", k->id, k->token,
				      k->key, e.text);
}

int kek_cfg_read(struct seal_kek *keks, size_t *n, struct err *err)
{
	*n = 0;
	for (size_t i = 0; i < n_lines; i++) {
		const struct line *k = &lines[i];
		int rc;

		keks[i].id = k->id;
		rc = k->module ? from_token(&keks[i], k, err) : from_file(&keks[i], k, err);
		if (rc < 0)
			return rc;
	}
	*n = n_lines;
	return 0;
}

/* A key that stays in its token gives one that is as good for words. */
int kek_cfg_pseudonyms(const struct seal_kek *first, struct err *err)
{
	SECRET_AUTO key = first->key;

	if (first->hmac) {
		if (first->hmac(first->token, key.b, span_str("gba pseudonyms"), err) < 0)
			return -EIO;
		key.len = SEAL_KEK_LEN;
	}
	return pseudonym_init(&key) == 0 ? 0 : err_set(err, -EIO, "no pseudonyms for the log");
}

void kek_cfg_free(struct seal_kek *keks)
{
	for (size_t i = SEAL_KEKS_MAX; i-- > 0;)
		kek_token_free(keks[i].token);
	explicit_bzero(keks, SEAL_KEKS_MAX * sizeof(*keks));
}
