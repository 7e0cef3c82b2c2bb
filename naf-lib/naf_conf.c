/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/base/hex.h"
#include "common/base/regular.h"

#define AT(field)  offsetof(struct naf_conf, field)
#define CFG(field) offsetof(struct naf_conf, cfg.field)
#define BSF(field) offsetof(struct naf_conf, bsf.field)

/*! What a value is, and where it goes. */
struct row {
	const char *word;
	enum { TEXT, LIST, NUMBER, CHOICE, FLAG, UA } kind;
	bool needed;
	size_t at, n_at;       /* n_at: of a list, its number */
	unsigned least, most;  /* of a number; most: of a list */
	const char *choice[3]; /* the third is both */
	unsigned value[2];
	const char *allowed;
};

static const struct row rows[] = {
	{ "name", LIST, true, AT(names), CFG(n_names), .most = NAF_NAMES_MAX, .allowed = "a host name" },
	{ "bsf-name", LIST, true, AT(bsf_names), CFG(n_bsf_names), .most = NAF_NAMES_MAX, .allowed = "a host name" },
	{ "identity", TEXT, true, BSF(identity), .allowed = "a Diameter identity" },
	{ "realm", TEXT, true, BSF(realm), .allowed = "a Diameter realm" },
	{ "bsf", TEXT, true, BSF(bsf_address), .allowed = "HOST, HOST:PORT or [IPV6]:PORT" },
	{ "bsf-identity", TEXT, false, BSF(bsf_identity), .allowed = "a Diameter identity" },
	{ "bsf-realm", TEXT, true, BSF(bsf_realm), .allowed = "a Diameter realm" },
	{ "peer", TEXT, false, BSF(peer), .allowed = "a Diameter identity" },
	{ "realm-from-btid", FLAG, false, BSF(realm_from_btid), .allowed = "yes or no" },
	{ "certificate", TEXT, false, BSF(certificate), .allowed = "a file" },
	{ "key", TEXT, false, BSF(key), .allowed = "a file" },
	{ "ca", TEXT, false, BSF(ca), .allowed = "a file" },
	{ "tls-name", TEXT, false, BSF(tls_name), .allowed = "a host name" },
	{ "plain", FLAG, false, BSF(plain), .allowed = "yes or no" },
	{ "ua", UA, false, AT(ua), .allowed = "10 hex digits, as 0100000002" },
	{ "gsid", LIST, false, AT(gsids), CFG(n_gsids), .most = NAF_CONF_GSIDS, .allowed = "a number" },
	{ "algorithms", CHOICE, false, CFG(algorithms), .choice = { "md5", "sha256", "both" },
	  .value = { GBA_NAF_MD5, GBA_NAF_SHA256 }, .allowed = "md5, sha256 or both" },
	{ "qop", CHOICE, false, CFG(qop), .choice = { "auth", "auth-int", "both" },
	  .value = { GBA_NAF_AUTH, GBA_NAF_AUTH_INT }, .allowed = "auth, auth-int or both" },
	{ "keys", CHOICE, false, CFG(keys), .choice = { "device", "card", "both" },
	  .value = { GBA_NAF_KEY_DEVICE, GBA_NAF_KEY_CARD }, .allowed = "device, card or both" },
	{ "slash-optional", FLAG, false, CFG(slash_optional), .allowed = "yes or no" },
	{ "recheck", NUMBER, false, CFG(recheck_s), .most = 86400, .allowed = "0 to 86400 (seconds)" },
	{ "refusal", NUMBER, false, CFG(refusal_s), .least = 1, .most = 3600, .allowed = "1 to 3600 (seconds)" },
	{ "key-age-max", NUMBER, false, CFG(key_age_max_s), .least = 1, .most = 31536000,
	  .allowed = "1 to 31536000 (seconds)" },
	{ "renew", NUMBER, false, CFG(renew_s), .most = 86400, .allowed = "0 to 86400 (seconds)" },
	{ "deadline", NUMBER, false, CFG(deadline_ms), .least = 1, .most = 60000,
	  .allowed = "1 to 60000 (milliseconds)" },
	{ "cache-keys", NUMBER, false, CFG(cache_keys), .least = 1, .most = 10000000, .allowed = "1 to 10000000" },
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/*! \returns false: none of those, or too many */
static bool set_value(struct naf_conf *c, const struct row *r, const char *v)
{
	void *at = (char *)c + r->at;
	size_t *n = (size_t *)((char *)c + r->n_at), i = 0;
	unsigned long number;
	char *end;

	switch (r->kind) {
	case TEXT:
		*(const char **)at = v;
		return true;
	case LIST:
		((const char **)at)[(*n)++] = v;
		return true;
	case NUMBER:
		number = strtoul(v, &end, 10);
		*(unsigned *)at = (unsigned)number;
		return *v >= '0' && *v <= '9' && !*end && number >= r->least && number <= r->most;
	case CHOICE:
		while (i < 3 && strcmp(v, r->choice[i]) != 0)
			i++;
		*(unsigned *)at = i < 2 ? r->value[i] : r->value[0] | r->value[1];
		return i < 3;
	case FLAG:
		*(bool *)at = strcmp(v, "yes") == 0;
		return *(bool *)at || strcmp(v, "no") == 0;
	case UA:
		c->cfg.ua_id = at;
		return strlen(v) == 2 * (size_t)UA_ID_LEN &&
		       hex_decode(at, UA_ID_LEN, (const uint8_t *)v, strlen(v)) >= 0;
	}
	return false;
}

static const char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t");

	*at = word + strcspn(word, " \t");
	if (**at)
		*(*at)++ = '\0';
	return word;
}

/*! \param[in,out] seen which words came */
static int conf_line(struct naf_conf *c, char *line, unsigned nr, bool seen[N_ROWS], struct err *err)
{
	const char *word = next_word(&line), *value = next_word(&line);
	const struct row *r = rows;
	size_t i = 0;

	if (!*word || *word == '#')
		return 0;
	while (i < N_ROWS && strcmp(rows[i].word, word) != 0)
		i++;
	if (i == N_ROWS)
		return err_set(err, -EINVAL, "line %u: there is no '%.64s'; allowed: what libgba-naf(3) names", nr,
			       word);
	r = &rows[i];
	if (!*value || *next_word(&line))
		return err_set(err, -EINVAL, "line %u: %s wants one value; allowed: %s", nr, word, r->allowed);
	if (r->kind == LIST && *(size_t *)((char *)c + r->n_at) == r->most)
		return err_set(err, -EINVAL, "line %u: too many of '%s'; allowed: %u", nr, word, r->most);
	if (r->kind != LIST && seen[i])
		return err_set(err, -EINVAL, "line %u: '%s' a second time; allowed: once", nr, word);
	seen[i] = true;
	if (!set_value(c, r, value))
		return err_set(err, -EINVAL, "line %u: %s %.64s; allowed: %s", nr, word, value, r->allowed);
	return 0;
}

static void begin(struct naf_conf *c)
{
	memset(c, 0, sizeof(*c));
	gba_naf_config_init(&c->cfg);
	gba_naf_diameter_init(&c->bsf);
	c->cfg.names = c->names;
	c->cfg.bsf_names = c->bsf_names;
	c->cfg.gsids = c->gsids;
	c->cfg.diameter = &c->bsf;
}

int naf_conf_parse(struct naf_conf *out, char *text, struct err *err)
{
	bool seen[N_ROWS] = { false };
	unsigned nr = 0;
	int rc = 0;

	begin(out);
	while (rc == 0 && text) {
		char *line = strsep(&text, "\n");

		rc = conf_line(out, line, ++nr, seen, err);
	}
	for (size_t i = 0; rc == 0 && i < N_ROWS; i++) {
		if (rows[i].needed && !seen[i])
			rc = err_set(err, -EINVAL, "there is no line '%s'; allowed: %s", rows[i].word, rows[i].allowed);
	}
	return rc;
}

/* --- the file */

static int conf_text(const char *file, char **out, struct err *err)
{
	char *text = malloc(NAF_CONF_MAX + 2);
	int fd = regular_open(file, O_RDONLY, 0, NULL), rc = 0;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		rc = err_set(err, fd, "%s", fd == -EINVAL ? "is no regular file" : strerror(-fd));
	else if (!text)
		rc = err_set(err, -ENOMEM, "no memory");
	while (rc == 0 && n > 0 && len <= NAF_CONF_MAX) {
		n = read(fd, text + len, NAF_CONF_MAX + 1 - len);
		if (n < 0 && errno != EINTR)
			rc = err_set(err, -errno, "%s", strerror(errno));
		len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	if (rc == 0 && (len > NAF_CONF_MAX || memchr(text, 0, len)))
		rc = err_set(err, -EINVAL, "no text of at most %d octets", NAF_CONF_MAX);
	if (rc < 0) {
		free(text);
		return rc;
	}
	text[len] = '\0';
	*out = text;
	return 0;
}

/*! A relative name is one beside the file. */
static int find_files(struct naf_conf *c, const char *file)
{
	const char **of[NAF_CONF_FILES] = { &c->bsf.certificate, &c->bsf.key, &c->bsf.ca };
	const char *slash = strrchr(file, '/');

	for (size_t i = 0; slash && i < NAF_CONF_FILES; i++) {
		if (!*of[i] || **of[i] == '/')
			continue;
		if (asprintf(&c->files[i], "%.*s%s", (int)(slash - file + 1), file, *of[i]) < 0) {
			c->files[i] = NULL;
			return -ENOMEM;
		}
		*of[i] = c->files[i];
	}
	return 0;
}

void gba_naf_config_free(struct gba_naf_config *cfg)
{
	struct naf_conf *c = (struct naf_conf *)cfg;

	if (!c)
		return;
	for (size_t i = 0; i < NAF_CONF_FILES; i++)
		free(c->files[i]);
	free(c->text);
	free(c);
}

struct gba_naf_config *gba_naf_config_read(const char *file, char *err, size_t errlen)
{
	struct naf_conf *c = calloc(1, sizeof(*c));
	struct err why = { "no memory" };
	char *text = NULL;
	int rc = c ? 0 : -ENOMEM;

	if (!file)
		rc = err_set(&why, -EINVAL, "no file is named");
	if (rc == 0)
		rc = conf_text(file, &text, &why);
	if (rc == 0)
		rc = naf_conf_parse(c, text, &why);
	if (c)
		c->text = text;
	if (rc == 0)
		rc = find_files(c, file);
	if (rc == 0)
		return &c->cfg;
	if (err && errlen)
		snprintf(err, errlen, "%s: %s", file ? file : "", why.text);
	gba_naf_config_free(c ? &c->cfg : NULL);
	return NULL;
}
