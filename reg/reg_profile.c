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
	const char *keys, *digest; /* as typed, of the choices; NULL: not said */
	unsigned key_age_max_s;    /* 0: not said */
	char *ua[UA_MAX];
	size_t n_ua;
};

static struct reg_profile profiles[REG_PROFILES_MAX];
static size_t n_profiles;

/* What each choice is to the BSF and to the application. */
static const struct {
	const char *word, *policy, *conf;
} choices[] = {
	{ "device", "keys me", "keys device" },  { "card", "keys uicc", "keys card" },
	{ "both", "keys both", "keys both" },    { "md5", NULL, "algorithms both" },
	{ "sha256", NULL, "algorithms sha256" },
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
	static struct cmd_element *const words[] = { &profile_keys_cmd, &profile_digest_cmd, &profile_key_age_cmd,
						     &profile_ua_cmd };

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

static bool admits(const struct reg_profile *p, const char *ua, size_t len)
{
	for (size_t i = 0; p && i < p->n_ua; i++) {
		size_t n = strcspn(p->ua[i], "*");

		if (n <= len && strncasecmp(p->ua[i], ua, n) == 0)
			return true;
	}
	return !p || !p->n_ua;
}

/* Of what an application has those that are good enough. \param[in] f NULL: only count them */
static size_t put_ua_of(FILE *f, const struct reg_profile *p, const char *list)
{
	size_t n = 0;

	while (*list) {
		size_t len = strcspn(list, " ");

		if (len && admits(p, list, len) && ++n && f)
			fprintf(f, "%s%.*s", n == 1 ? " ua-protocols " : " ", (int)len, list);
		list += len + (list[len] == ' ');
	}
	if (f && n)
		fprintf(f, "\n");
	return n;
}

void reg_profile_policy(FILE *f, const struct reg_profile *p, const char *ua)
{
	if (*ua && !put_ua_of(NULL, p, ua)) {
		fprintf(f, " keys refused\n"); /* nothing it has is good enough */
		return;
	}
	put_ua_of(f, p, ua);
	if (!p)
		return;
	put_choice(f, p->keys, true);
	if (p->key_age_max_s)
		fprintf(f, " key-age-max %u\n", p->key_age_max_s);
	for (size_t i = 0; !*ua && i < p->n_ua; i++)
		fprintf(f, "%s%s%s", i ? " " : " ua-protocols ", p->ua[i], i + 1 == p->n_ua ? "\n" : "");
}

void reg_profile_conf(FILE *f, const struct reg_profile *p)
{
	if (!p)
		return;
	put_choice(f, p->keys, false);
	put_choice(f, p->digest, false);
	if (p->key_age_max_s)
		fprintf(f, "key-age-max %u\n", p->key_age_max_s);
	if (p->n_ua == 1 && strlen(p->ua[0]) == 2 * UA_ID_LEN)
		fprintf(f, "ua %s\n", p->ua[0]);
}

static json_t *profile_json(const struct reg_profile *p)
{
	json_t *o = json_pack("{ss}", "profile", p->name), *ua = json_array();

	if (p->keys)
		json_object_set_new(o, "keys", json_string(p->keys));
	if (p->digest)
		json_object_set_new(o, "digest", json_string(p->digest));
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
	sqlite3_finalize(q);
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
