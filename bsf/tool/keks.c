/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file keks.c
 *  The KEKs that gba-store is given, from wherever gba-bsfd takes its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rt/kek_token.h"
#include "bsf/tool/tool.h"

#define WHERE_MAX 1024

static int from_file(struct seal_kek *k, const char *path, struct err *err)
{
	char why[256];
	int rc = secret_read_file(&k->key, SEAL_KEK_LEN, path, why, sizeof(why));

	return rc < 0 ? err_set(err, rc, "kek %u: %s", k->id, why) : 0;
}

static int from_credential(struct seal_kek *k, const char *name, struct err *err)
{
	const char *dir = secret_credentials();
	char path[WHERE_MAX];

	if (!dir || !name[0] || strchr(name, '/'))
		return err_set(err, -EINVAL, "kek %u: %s", k->id,
			       dir ? "a credential has a name without /"
				   : "systemd gave us no credentials; allowed: ID=PATH");
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return from_file(k, path, err);
}

/* "MODULE,TOKEN,KEY,PIN-FILE" */
static int from_token(struct seal_kek *k, const char *text, struct err *err)
{
	char buf[WHERE_MAX], *rest = buf, why[256];
	struct kek_token_cfg cfg = { 0 };
	struct err e = { "" };
	int rc;

	snprintf(buf, sizeof(buf), "%s", text);
	cfg.module = strsep(&rest, ",");
	cfg.label = strsep(&rest, ",");
	cfg.key = strsep(&rest, ",");
	if (!rest)
		return err_set(err, -EINVAL, "kek %u: pkcs11:%s; allowed: pkcs11:MODULE,TOKEN,KEY,PIN-FILE", k->id,
			       text);
	rc = secret_read_line(&cfg.pin, rest, why, sizeof(why));
	if (rc < 0)
		return err_set(err, rc, "kek %u: PIN: %s", k->id, why);
	k->token = kek_token_open(&cfg, &e);
	k->hmac = kek_token_hmac;
	secret_clear(&cfg.pin);
	return k->token ? 0
			: err_set(err, -EIO, "kek %u: token %.40s, key %.40s: %.200s", k->id, cfg.label, cfg.key,
				  e.text);
}

int tool_kek_add(struct tool_keks *keks, const char *text, struct err *err)
{
	static const struct {
		const char *prefix;
		int (*from)(struct seal_kek *k, const char *where, struct err *err);
	} sources[] = { { "credential:", from_credential }, { "pkcs11:", from_token }, { "", from_file } };
	struct seal_kek *k = &keks->k[keks->n];
	char *end;
	unsigned long id = strtoul(text, &end, 10);
	size_t i = 0;

	if (*end != '=' || end == text || id < 1 || id > 255)
		return err_set(err, -EINVAL, "--kek %s; allowed: ID=WHERE, ID of 1 to 255", text);
	if (keks->n == SEAL_KEKS_MAX)
		return err_set(err, -E2BIG, "more than %d KEKs", SEAL_KEKS_MAX);
	while (strncmp(end + 1, sources[i].prefix, strlen(sources[i].prefix)) != 0)
		i++;
	k->id = (uint8_t)id;
	keks->n++;
	return sources[i].from(k, end + 1 + strlen(sources[i].prefix), err);
}

void tool_keks_free(struct tool_keks *keks)
{
	for (size_t i = keks->n; i-- > 0;)
		kek_token_free(keks->k[i].token);
	explicit_bzero(keks, sizeof(*keks));
}
