/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_discovery.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/gba/gba_time.h"
#include "common/gba/naf_id.h"
#include "common/rt/cfg_file.h"
#include "reg/reg_cfg.h"
#include "reg/reg_naf.h"

#define URL_MAX      1024
#define PROTOCOLS    16
#define DEFAULT_DAYS 30
#define DAY_S        86400

static const char HTTP_DIGEST[] = "0100000002";

static struct {
	char *ub, *registry, *catalogue;
	char *ua[PROTOCOLS];
	size_t n_ua;
	bool device, card;
	int days, ub_line;
} told;

/* --- configuration */

/* As the schema has them. */
static int set_url(struct vty *vty, char **out, const char *scheme, const char *url)
{
	size_t n = strlen(scheme);

	CFG_AT_START_ONLY(vty);
	if (strncmp(url, scheme, n) != 0 || !url[n] || url[n] == '/' || strlen(url) > URL_MAX ||
	    strpbrk(url, "\"\\<>@"))
		return cfg_fail(vty, "'%s': allowed is %sHOST[:PORT]/ of at most %d characters", url, scheme, URL_MAX);
	if (*out)
		return cfg_fail(vty, "that stands here already; allowed: once");
	*out = talloc_strdup(tall_vty_ctx, url);
	return CMD_SUCCESS;
}

#define TOLD "What new devices and applications are told\n"

DEFUN(discovery_ub, discovery_ub_cmd, "discovery ub URL",
      TOLD
      "Where devices bootstrap; not given: http:// and the first bsf-name\nhttp://HOST[:PORT]/, the host one of bsf-name\n")
{
	told.ub_line = cfg_line();
	return set_url(vty, &told.ub, "http://", argv[0]);
}

DEFUN(discovery_registry, discovery_registry_cmd, "discovery registry URL",
      TOLD "Where the API of this registry is\nhttps://HOST[:PORT]/\n")
{
	return set_url(vty, &told.registry, "https://", argv[0]);
}

DEFUN(discovery_catalogue, discovery_catalogue_cmd, "discovery catalogue URL",
      TOLD "Which applications there are\nhttps://HOST[:PORT]/PATH\n")
{
	return set_url(vty, &told.catalogue, "https://", argv[0]);
}

DEFUN(discovery_ua, discovery_ua_cmd, "discovery ua HEX",
      TOLD
      "A Ua security protocol there are keys for; may be repeated; not given: HTTP Digest\n10 hexadecimal digits in lower case\n")
{
	CFG_AT_START_ONLY(vty);
	if (strlen(argv[0]) != 2 * UA_ID_LEN || strspn(argv[0], "0123456789abcdef") != 2 * UA_ID_LEN)
		return cfg_fail(vty, "'%s': allowed are 10 hexadecimal digits in lower case", argv[0]);
	if (told.n_ua == PROTOCOLS)
		return cfg_fail(vty, "more than %d protocols", PROTOCOLS);
	told.ua[told.n_ua++] = talloc_strdup(tall_vty_ctx, argv[0]);
	return CMD_SUCCESS;
}

DEFUN(discovery_key, discovery_key_cmd, "discovery key (device|card)",
      TOLD "A kind of key; may be repeated; not given: device\nThe device holds it\nIt stays in a card (GBA_U)\n")
{
	CFG_AT_START_ONLY(vty);
	if (strcmp(argv[0], "card") == 0)
		told.card = true;
	else
		told.device = true;
	return CMD_SUCCESS;
}

DEFUN(discovery_days, discovery_days_cmd, "discovery days <1-365>",
      TOLD "How long it may be relied on; not given: 30\nDays from when it is asked for\n")
{
	CFG_AT_START_ONLY(vty);
	told.days = atoi(argv[0]);
	return CMD_SUCCESS;
}

static void write_told(struct vty *vty, const char *word, const char *text)
{
	if (text)
		vty_out(vty, " discovery %s %s%s", word, text, VTY_NEWLINE);
}

void reg_discovery_write(struct vty *vty)
{
	write_told(vty, "ub", told.ub);
	write_told(vty, "registry", told.registry);
	write_told(vty, "catalogue", told.catalogue);
	for (size_t i = 0; i < told.n_ua; i++)
		write_told(vty, "ua", told.ua[i]);
	write_told(vty, "key", told.device ? "device" : NULL);
	write_told(vty, "key", told.card ? "card" : NULL);
	if (told.days)
		vty_out(vty, " discovery days %d%s", told.days, VTY_NEWLINE);
}

void reg_discovery_cfg_init(int registry_node)
{
	static struct cmd_element *const words[] = { &discovery_ub_cmd,        &discovery_registry_cmd,
						     &discovery_catalogue_cmd, &discovery_ua_cmd,
						     &discovery_key_cmd,       &discovery_days_cmd };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		install_element(registry_node, words[i]);
}

int reg_discovery_verify(struct err *err)
{
	const struct reg_realm *r = &reg_cfg.realm;
	const char *host = told.ub ? told.ub + strlen("http://") : NULL;

	if (!host)
		return 0;
	for (size_t i = 0; i < r->n_bsf_names; i++) {
		size_t n = strcspn(host, ":/");

		if (strlen(r->bsf_names[i]) == n && strncasecmp(r->bsf_names[i], host, n) == 0)
			return 0;
	}
	return cfg_error(err, -EINVAL, told.ub_line, "'discovery ub %s': allowed is a host that is a bsf-name",
			 told.ub);
}

char *reg_discovery_link(const char *path, const char *name)
{
	char *link = NULL;
	size_t n = told.registry ? strlen(told.registry) : 0;

	if (n && asprintf(&link, "%s%s%s%s", told.registry, told.registry[n - 1] == '/' ? "" : "/", path, name) < 0)
		return NULL;
	return link;
}

/* --- the document */

static json_t *texts(char *const *list, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, json_string(list[i]));
	return a;
}

static json_t *key_kinds(void)
{
	json_t *a = json_array();

	if (told.device || !told.card)
		json_array_append_new(a, json_string("device"));
	if (told.card)
		json_array_append_new(a, json_string("card"));
	return a;
}

int reg_discovery_show(struct reg_order *o, struct reg_db *db)
{
	const struct reg_realm *r = &reg_cfg.realm;
	time_t until = time(NULL) + (time_t)(told.days ? told.days : DEFAULT_DAYS) * DAY_S;
	char when[DATE_TIME_LEN + 1] = "";
	json_t *ub = told.ub ? json_string(told.ub) : json_sprintf("http://%s/", r->bsf_names[0]);
	char *apps = reg_naf_url();
	json_t *ua = told.n_ua ? texts(told.ua, told.n_ua) : json_pack("[s]", HTTP_DIGEST);

	date_time_format(when, until);
	o->answer =
		json_pack("{ss so so so so ss* ss* ss* ss}", "realm", r->bsf_realm, "bsf_url", ub, "bsf_names",
			  texts(r->bsf_names, r->n_bsf_names), "ua_protocols", ua, "key_kinds", key_kinds(), "registry",
			  told.registry, "catalogue", told.catalogue, "apps_url", apps, "valid_until", when);
	free(apps);
	return o->answer ? 0 : -ENOMEM;
}
