/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/tls_cfg.h"

#include <errno.h>
#include <string.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/dia/dia_cert.h"
#include "common/dia/dia_tls.h"
#include "common/gba/btid.h"
#include "common/rt/cfg_file.h"

static struct tls_cfg *cfg;
static void *cfg_ctx;

/* --- our certificate */

int tls_cfg_set(struct vty *vty, void *ctx, struct tls_cfg *c, enum tls_cfg_file which, const char *file)
{
	const struct {
		char **written, **path;
		const char *what;
	} files[] = {
		[TLS_CFG_CERTIFICATE] = { &c->certificate, &c->certificate_path, "tls certificate" },
		[TLS_CFG_KEY] = { &c->key, &c->key_path, "tls key" },
		[TLS_CFG_CA] = { &c->ca, &c->ca_path, "tls ca" },
	};

	if (!cfg_reading())
		return cfg_after_restart(vty);
	if (*files[which].written)
		return cfg_fail(vty, "%s is written already; allowed: once", files[which].what);
	*files[which].written = talloc_strdup(ctx, file);
	*files[which].path = cfg_path(ctx, file);
	if (!*files[which].written || !*files[which].path)
		return cfg_fail(vty, "no memory");
	c->line = c->line ? c->line : cfg_line();
	return CMD_SUCCESS;
}

DEFUN(tls_certificate, tls_certificate_cmd, "tls certificate FILE", TLS_CFG_CERTIFICATE_HELP)
{
	return tls_cfg_set(vty, cfg_ctx, cfg, TLS_CFG_CERTIFICATE, argv[0]);
}

DEFUN(tls_key, tls_key_cmd, "tls key FILE", TLS_CFG_KEY_HELP)
{
	return tls_cfg_set(vty, cfg_ctx, cfg, TLS_CFG_KEY, argv[0]);
}

DEFUN(tls_ca, tls_ca_cmd, "tls ca FILE", TLS_CFG_CA_HELP)
{
	return tls_cfg_set(vty, cfg_ctx, cfg, TLS_CFG_CA, argv[0]);
}

void tls_cfg_vty_init(struct tls_cfg *c, void *ctx, int node)
{
	cfg = c;
	cfg_ctx = ctx;
	install_element(node, &tls_certificate_cmd);
	install_element(node, &tls_key_cmd);
	install_element(node, &tls_ca_cmd);
}

void tls_cfg_write(struct vty *vty, const struct tls_cfg *c)
{
	if (c->certificate)
		vty_out(vty, " tls certificate %s%s", c->certificate, VTY_NEWLINE);
	if (c->key)
		vty_out(vty, " tls key %s%s", c->key, VTY_NEWLINE);
	if (c->ca)
		vty_out(vty, " tls ca %s%s", c->ca, VTY_NEWLINE);
}

static const char *node_of(const struct tls_cfg *c)
{
	return c->node ? c->node : "diameter";
}

int tls_cfg_check(const struct tls_cfg *c, struct err *err)
{
	const char *lacks = !c->certificate ? "tls certificate" : !c->key ? "tls key" : !c->ca ? "tls ca" : NULL;

	if (!c->certificate && !c->key && !c->ca)
		return 0;
	return lacks ? cfg_error(err, -EINVAL, c->line, "%s: %s FILE is missing; allowed: all three, or none",
				 node_of(c), lacks)
		     : 1;
}

int tls_cfg_open(SSL_CTX **out, const struct tls_cfg *c, const char *name, struct err *err)
{
	const struct dia_cert_conf conf = {
		.certificate = c->certificate_path, .key = c->key_path, .ca = c->ca_path, .name = name
	};
	struct err why;

	*out = NULL;
	if (!c->certificate)
		return 0;
	*out = dia_cert_new(&conf, &why);
	if (!*out)
		return cfg_error(err, -EINVAL, c->line, "%s: tls: %s", node_of(c), why.text);
	dia_tls_prepare(*out);
	return 0;
}

/* --- peers */

static const char *const words[] = {
	[DIA_HUB_PLAIN] = "plain", [DIA_HUB_BY_TLS] = "tls", [DIA_HUB_TLS_AFTER_CER] = "tls-after-cer"
};

/* What is typed needs one at once; of a file all is looked at as a whole. */
static int need_own(struct vty *vty, const struct tls_cfg *own)
{
	return cfg_reading() || own->certificate
		       ? CMD_SUCCESS
		       : cfg_fail(vty, "there is no certificate; needed at start: " TLS_CFG_WORDS);
}

int tls_peer_set_how(struct vty *vty, struct tls_peer *p, const struct tls_cfg *own, const char *word)
{
	bool plain = word && strcmp(word, words[DIA_HUB_PLAIN]) == 0;

	if (plain && p->keys.n)
		return cfg_fail(vty, "tls-key needs a certificate to look at; allowed: tls, tls-after-cer");
	if (word && !plain && need_own(vty, own) != CMD_SUCCESS)
		return CMD_WARNING;
	p->how = DIA_HUB_BEYOND_LOOPBACK;
	for (size_t i = DIA_HUB_PLAIN; word && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			p->how = (enum dia_hub_protection)i;
	return CMD_SUCCESS;
}

static int words_put(struct vty *vty, void *ctx, struct tls_words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcasecmp(w->s[i], word) == 0)
			return CMD_SUCCESS;
	if (w->n == TLS_CFG_NAMES)
		return cfg_fail(vty, "too many of them; allowed: %d", TLS_CFG_NAMES);
	w->s[w->n] = talloc_strdup(ctx, word);
	if (!w->s[w->n])
		return cfg_fail(vty, "no memory");
	w->n++;
	return CMD_SUCCESS;
}

static int words_take(struct vty *vty, struct tls_words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++) {
		if (strcasecmp(w->s[i], word) != 0)
			continue;
		talloc_free(w->s[i]);
		memmove(&w->s[i], &w->s[i + 1], (--w->n - i) * sizeof(w->s[0]));
		return CMD_SUCCESS;
	}
	return cfg_fail(vty, "%s is not there", word);
}

int tls_peer_add_name(struct vty *vty, void *ctx, struct tls_peer *p, const char *name)
{
	if (!fqdn_valid(span_str(name), DIA_NAME_MAX))
		return cfg_fail(vty, "'%s' is no host name; allowed: letters, digits, hyphen and dot", name);
	return words_put(vty, ctx, &p->names, name);
}

int tls_peer_del_name(struct vty *vty, struct tls_peer *p, const char *name)
{
	return words_take(vty, &p->names, name);
}

int tls_peer_add_key(struct vty *vty, void *ctx, struct tls_peer *p, const struct tls_cfg *own, const char *key)
{
	if (!dia_cert_key_valid(key))
		return cfg_fail(vty, "'%s' is no public key; allowed: sha256: and 64 hex digits", key);
	if (p->how == DIA_HUB_PLAIN)
		return cfg_fail(vty, "security plain has no certificate to look at; allowed: tls, tls-after-cer");
	if (need_own(vty, own) != CMD_SUCCESS)
		return CMD_WARNING;
	return words_put(vty, ctx, &p->keys, key);
}

int tls_peer_del_key(struct vty *vty, struct tls_peer *p, const char *key)
{
	return words_take(vty, &p->keys, key);
}

bool tls_peer_is_written(const struct tls_peer *p)
{
	return p->how != DIA_HUB_BEYOND_LOOPBACK || p->names.n || p->keys.n || p->cn;
}

const char *tls_peer_needs(const struct tls_peer *p, bool beyond)
{
	if (p->how == DIA_HUB_BY_TLS || p->how == DIA_HUB_TLS_AFTER_CER || p->keys.n)
		return "needs TLS";
	return p->how == DIA_HUB_BEYOND_LOOPBACK && beyond ? "comes from beyond loopback, so it needs TLS," : NULL;
}

void tls_peer_security(const struct tls_peer *p, struct dia_hub_security *out)
{
	*out = (struct dia_hub_security){ .how = p->how,
					  .names = (const char *const *)p->names.s,
					  .n_names = p->names.n,
					  .cn = p->cn,
					  .keys = (const char *const *)p->keys.s,
					  .n_keys = p->keys.n };
}

void tls_peer_write(struct vty *vty, const struct tls_peer *p)
{
	if (p->how != DIA_HUB_BEYOND_LOOPBACK)
		vty_out(vty, " security %s%s", words[p->how], VTY_NEWLINE);
	for (size_t i = 0; i < p->names.n; i++)
		vty_out(vty, " tls-name %s%s", p->names.s[i], VTY_NEWLINE);
	for (size_t i = 0; i < p->keys.n; i++)
		vty_out(vty, " tls-key %s%s", p->keys.s[i], VTY_NEWLINE);
	if (p->cn)
		vty_out(vty, " tls-cn%s", VTY_NEWLINE);
}
