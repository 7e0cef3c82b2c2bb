/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/gba/naf_id.h"
#include "common/rt/cfg_file.h"
#include "reg/reg_audit.h"
#include "reg/reg_nodes.h"
#include "reg/reg_orders.h"
#include "reg/reg_outbox.h"
#include "reg/reg_rows.h"
#include "reg/reg_scope.h"

#define UA_MAX 32

struct reg_profile {
	char *name;
	const char *keys, *digest, *tls; /* as typed, of the choices; NULL: not said */
	unsigned key_age_max_s;          /* 0: not said */
	char *ua[UA_MAX];
	size_t n_ua;
	int line; /* of tls */
};

static struct reg_profile profiles[REG_PROFILES_MAX];
static size_t n_profiles;

/* What each choice is to the BSF and to the application, and what it leaves of the Ua security protocols, by which alone the BSF sees
 * what is spoken between device and application (33.220 annex H). The least digest cannot be seen: HTTP Digest is one protocol. */
static const struct {
	const char *word, *policy, *conf, *ua[3];
} choices[] = {
	{ "device", "keys me", "keys device", { NULL } },
	{ "card", "keys uicc", "keys card", { NULL } },
	{ "both", "keys both", "keys both", { NULL } },
	{ "md5", NULL, "algorithms both", { NULL } },
	{ "sha256", NULL, "algorithms sha256", { NULL } },
	/* with Digest or a pre-shared key, and a form, inside it: the last octets are its cipher suite; 1.3 with a pre-shared key has no suite */
	{ "1.2", NULL, NULL, { "010001*", "010002*", "0100000007" } },
	{ "1.3", NULL, NULL, { "01000113*", "01000213*", "0100000007" } },
};

/* --- configuration */

DEFUN(profile, profile_cmd, "profile NAME",
      "A security degree, which applications have by its name\nUp to 32 letters, digits, hyphens\n")
{
	const char *name = argv[0];
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

	CFG_AT_START_ONLY(vty);
	if (name[len] || len > REG_PROFILE_NAME)
		return cfg_fail(vty, "'%s' is no name of a profile; allowed: up to %d letters, digits, hyphens", name,
				REG_PROFILE_NAME);
	if (reg_profile_named(name))
		return cfg_fail(vty, "profile %s is there already; allowed: another name", name);
	if (n_profiles == REG_PROFILES_MAX)
		return cfg_fail(vty, "more than %d profiles", REG_PROFILES_MAX);
	profiles[n_profiles].name = talloc_strdup(tall_vty_ctx, name);
	vty->index = &profiles[n_profiles++];
	vty->node = PROFILE_NODE;
	return CMD_SUCCESS;
}

static const char *choice_typed(const char *word)
{
	size_t i = 0;

	while (strcmp(choices[i].word, word) != 0)
		i++;
	return choices[i].word;
}

DEFUN(profile_keys, profile_keys_cmd, "keys (device|card|both)",
      "Where the key must be\nIn the device\nIn the card (GBA_U): other cards are refused\nIn the card where it can that (default)\n")
{
	struct reg_profile *p = vty->index;

	CFG_AT_START_ONLY(vty);
	p->keys = choice_typed(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(profile_digest, profile_digest_cmd, "digest (md5|sha256)",
      "The least algorithm of HTTP Digest between device and application\nMD5, too\nSHA-256\n")
{
	struct reg_profile *p = vty->index;

	CFG_AT_START_ONLY(vty);
	p->digest = choice_typed(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(profile_tls, profile_tls_cmd, "tls (1.2|1.3)",
      "The least version of TLS between device and application, within which it has the key\nTLS 1.2, and later\nTLS 1.3\n")
{
	struct reg_profile *p = vty->index;

	CFG_AT_START_ONLY(vty);
	p->tls = choice_typed(argv[0]);
	p->line = cfg_line();
	return CMD_SUCCESS;
}

DEFUN(profile_key_age, profile_key_age_cmd, "key-age-max <1-31536000>",
      "How long ago the device may have bootstrapped\nSeconds\n")
{
	struct reg_profile *p = vty->index;

	CFG_AT_START_ONLY(vty);
	p->key_age_max_s = (unsigned)atoi(argv[0]);
	return CMD_SUCCESS;
}

static bool is_ua_protocol(const char *text)
{
	size_t len = strspn(text, "0123456789abcdefABCDEF");

	return text[len] ? len && len < 2 * UA_ID_LEN && strcmp(text + len, "*") == 0 : len == 2 * UA_ID_LEN;
}

DEFUN(profile_ua, profile_ua_cmd, "ua-protocol ID",
      "A form of security between device and application that is good enough, by its identifier; may be repeated\n"
      "10 hex digits, or the first of them and * (33.220 annex H): 0100000002 HTTP Digest, 010001* TLS with the key\n")
{
	struct reg_profile *p = vty->index;

	CFG_AT_START_ONLY(vty);
	if (!is_ua_protocol(argv[0]))
		return cfg_fail(vty,
				"%s is no Ua security protocol; allowed: 10 hex digits, or the first of them and *",
				argv[0]);
	if (p->n_ua == UA_MAX)
		return cfg_fail(vty, "more than %d protocols", UA_MAX);
	p->ua[p->n_ua++] = talloc_strdup(tall_vty_ctx, argv[0]);
	return CMD_SUCCESS;
}

static void write_choice(struct vty *vty, const char *word, const char *choice)
{
	if (choice)
		vty_out(vty, " %s %s%s", word, choice, VTY_NEWLINE);
}

static int write_profiles(struct vty *vty)
{
	for (const struct reg_profile *p = profiles; p < profiles + n_profiles; p++) {
		vty_out(vty, "profile %s%s", p->name, VTY_NEWLINE);
		write_choice(vty, "keys", p->keys);
		write_choice(vty, "digest", p->digest);
		write_choice(vty, "tls", p->tls);
		if (p->key_age_max_s)
			vty_out(vty, " key-age-max %u%s", p->key_age_max_s, VTY_NEWLINE);
		for (size_t i = 0; i < p->n_ua; i++)
			write_choice(vty, "ua-protocol", p->ua[i]);
		vty_out(vty, "!%s", VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

void reg_profile_init(void)
{
	static struct cmd_node node = { .node = PROFILE_NODE, .prompt = "%s(config-profile)# ", .vtysh = 1 };
	static struct cmd_element *const words[] = { &profile_keys_cmd, &profile_digest_cmd, &profile_tls_cmd,
						     &profile_key_age_cmd, &profile_ua_cmd };

	install_node(&node, write_profiles);
	install_element(CONFIG_NODE, &profile_cmd);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		install_element(PROFILE_NODE, words[i]);
}

/* --- what it says to others */

const char *reg_profile_keys(const struct reg_profile *p)
{
	return p ? p->keys : NULL;
}

const struct reg_profile *reg_profile_named(const char *name)
{
	for (const struct reg_profile *p = profiles; p < profiles + n_profiles; p++) {
		if (strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

static void put_choice(FILE *f, const char *choice, bool policy)
{
	for (size_t i = 0; choice && i < ARRAY_SIZE(choices); i++) {
		const char *line = policy ? choices[i].policy : choices[i].conf;

		if (line && strcmp(choices[i].word, choice) == 0)
			fprintf(f, "%s%s\n", policy ? " " : "", line);
	}
}

/* Patterns as ua-protocol has them. */
struct forms {
	const char *s[UA_MAX];
	size_t n;
};

/* \returns the pattern of what two of them stand for; NULL: nothing */
static const char *common_form(const char *a, const char *b)
{
	size_t n = strcspn(a, "*"), m = strcspn(b, "*");

	return strncasecmp(a, b, n < m ? n : m) == 0 ? n > m ? a : b : NULL;
}

static void add_form(struct forms *out, const char *pattern)
{
	if (pattern && out->n < UA_MAX)
		out->s[out->n++] = pattern;
}

static void forms_of_tls(struct forms *out, const char *tls, const char *pattern)
{
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		for (size_t k = 0; strcmp(choices[i].word, tls) == 0 && k < ARRAY_SIZE(choices[i].ua); k++)
			add_form(out, common_form(choices[i].ua[k], pattern));
}

/* What is good enough for it. \returns false: each is */
static bool forms_of(struct forms *out, const struct reg_profile *p)
{
	*out = (struct forms){ .n = 0 };
	for (size_t i = 0; p && i < p->n_ua; i++) {
		if (p->tls)
			forms_of_tls(out, p->tls, p->ua[i]);
		else
			add_form(out, p->ua[i]);
	}
	if (p && p->tls && !p->n_ua)
		forms_of_tls(out, p->tls, "*");
	return p && (p->tls || p->n_ua);
}

static bool admits(const struct forms *good, const char *ua, size_t len)
{
	for (size_t i = 0; i < good->n; i++) {
		size_t n = strcspn(good->s[i], "*");

		if (n <= len && strncasecmp(good->s[i], ua, n) == 0)
			return true;
	}
	return false;
}

/* Of what an application has those that are good enough. \param[in] good NULL: each \param[in] f NULL: only count them */
static size_t put_ua_of(FILE *f, const struct forms *good, const char *list)
{
	size_t n = 0;

	while (*list) {
		size_t len = strcspn(list, " ");

		if (len && (!good || admits(good, list, len)) && ++n && f)
			fprintf(f, "%s%.*s", n == 1 ? " ua-protocols " : " ", (int)len, list);
		list += len + (list[len] == ' ');
	}
	if (f && n)
		fprintf(f, "\n");
	return n;
}

void reg_profile_policy(FILE *f, const struct reg_profile *p, const char *ua)
{
	struct forms all, *good = forms_of(&all, p) ? &all : NULL;

	if (*ua && !put_ua_of(NULL, good, ua)) {
		fprintf(f, " keys refused\n"); /* nothing it has is good enough */
		return;
	}
	put_ua_of(f, good, ua);
	if (!p)
		return;
	put_choice(f, p->keys, true);
	if (p->key_age_max_s)
		fprintf(f, " key-age-max %u\n", p->key_age_max_s);
	for (size_t i = 0; !*ua && i < all.n; i++)
		fprintf(f, "%s%s%s", i ? " " : " ua-protocols ", all.s[i], i + 1 == all.n ? "\n" : "");
}

void reg_profile_conf(FILE *f, const struct reg_profile *p)
{
	struct forms good;

	if (!p)
		return;
	put_choice(f, p->keys, false);
	put_choice(f, p->digest, false);
	if (p->key_age_max_s)
		fprintf(f, "key-age-max %u\n", p->key_age_max_s);
	if (forms_of(&good, p) && good.n == 1 && strlen(good.s[0]) == 2 * UA_ID_LEN)
		fprintf(f, "ua %s\n", good.s[0]);
}

int reg_profile_verify(struct err *err)
{
	struct forms good;

	for (const struct reg_profile *p = profiles; p < profiles + n_profiles; p++)
		if (forms_of(&good, p) && !good.n)
			return cfg_error(
				err, -EINVAL, p->line,
				"profile %s: tls %s leaves none of its ua-protocol; allowed: one of 010001*, 010002*, "
				"0100000007, or a part of them",
				p->name, p->tls);
	return 0;
}

static json_t *profile_json(const struct reg_profile *p)
{
	json_t *o = json_pack("{ss}", "profile", p->name), *ua = json_array();

	if (p->keys)
		json_object_set_new(o, "keys", json_string(p->keys));
	if (p->digest)
		json_object_set_new(o, "digest", json_string(p->digest));
	if (p->tls)
		json_object_set_new(o, "tls", json_string(p->tls));
	if (p->key_age_max_s)
		json_object_set_new(o, "key_age_max", json_integer(p->key_age_max_s));
	for (size_t i = 0; i < p->n_ua; i++)
		json_array_append_new(ua, json_string(p->ua[i]));
	json_object_set_new(o, "ua_protocols", ua);
	return o;
}

int reg_profile_list(struct reg_order *o, struct reg_db *db)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n_profiles; i++)
		json_array_append_new(list, profile_json(&profiles[i]));
	o->answer = json_pack("{so}", "profiles", list);
	return 0;
}

/* --- who has which */

int reg_profile_give(struct reg_order *o, struct reg_db *db)
{
	const char *name = reg_in(o, "profile");
	struct reg_app a;
	int64_t rev;
	int rc;

	if (name && !reg_profile_named(name))
		return reg_refuse(o, CTL_INVALID, "profile", "there is no such profile; allowed: one of profiles");
	rc = reg_scope_app(o, db, &a);
	rev = rc == 0 ? reg_revision(db) : rc;
	rc = rev < 0 ? (int)rev
		     : reg_db_do(db, "UPDATE application SET profile = ?2, rev = ?3 WHERE id = ?1", "iti", a.id, name,
				 rev);
	if (rc == 0)
		rc = reg_outbox_app(db, a.fqdn);
	if (rc == 0)
		rc = reg_audit_add(db, o->caller.name, "app profile", 0, a.fqdn);
	reg_app_clear(&a);
	o->sends = true;
	return rc;
}

/* What the BSFs are told of all of them. \returns malloc'ed; NULL no memory */
static char *all_policies(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < n_profiles; i++) {
		fprintf(f, "%s\n", profiles[i].name);
		reg_profile_policy(f, &profiles[i], "");
	}
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

static int tell_all_who_have_one(struct reg_order *o, struct reg_db *db)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(db, &q, "SELECT fqdn FROM application WHERE profile IS NOT NULL ORDER BY id", "");

	for (; rc > 0; rc = rc < 0 ? rc : reg_db_next(q))
		rc = reg_outbox_app(db, (const char *)sqlite3_column_text(q, 0));
	reg_db_end(q);
	o->sends = true;
	return rc;
}

int reg_profile_started(struct reg_order *o, struct reg_db *db)
{
	char *text = all_policies();
	int64_t same = 0;
	int rc = text ? reg_db_int(db, &same, "SELECT value = ?1 FROM meta WHERE name = 'profiles'", "t", text)
		      : -ENOMEM;

	if (rc >= 0 && !same) {
		rc = tell_all_who_have_one(o, db);
		if (rc >= 0)
			rc = reg_db_do(db, "INSERT OR REPLACE INTO meta (name, value) VALUES ('profiles', ?1)", "t",
				       text);
	}
	free(text);
	return rc < 0 ? rc : 0;
}
