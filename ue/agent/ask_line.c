/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/agent/ask_line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/gba/btid.h"
#include "ue/lib/ue_request.h"

#define ALLOWED \
	"allowed: key HOST [ua HEX] [app usim|isim] [label LABEL] [impi IMPI] [force] [refused BTID], list, watch, renew, use REALM, drop REALM [tmpi]"

static int take_naf(struct ask_line *a, const char *word)
{
	char host[GBA_UE_NAME_MAX + 1];

	return word && ue_request_host(host, word) == 0 ? naf_id_make(&a->naf, host, UA_ID_HTTP_DIGEST) : -EINVAL;
}

static int take_ua(struct ask_line *a, const char *word)
{
	char host[GBA_UE_NAME_MAX + 1];
	uint8_t ua[UA_ID_LEN];

	if (!word || strlen(word) != 2 * UA_ID_LEN || hex_decode(ua, sizeof(ua), word, strlen(word)) != UA_ID_LEN)
		return -EINVAL;
	snprintf(host, sizeof(host), "%s", a->naf.fqdn);
	return naf_id_make(&a->naf, host, ua);
}

static int take_app(struct ask_line *a, const char *word)
{
	a->app = word && strcmp(word, "isim") == 0 ? GBA_UE_APP_ISIM : GBA_UE_APP_USIM;
	return word && (strcmp(word, "usim") == 0 || strcmp(word, "isim") == 0) ? 0 : -EINVAL;
}

static int take_label(struct ask_line *a, const char *word)
{
	return word && word[0] && span_to_str(a->label, sizeof(a->label), span_str(word)) == 0 ? 0 : -EINVAL;
}

static int take_impi(struct ask_line *a, const char *word)
{
	struct impi id;

	if (!word || impi_parse(&id, (const uint8_t *)word, strlen(word)) < 0)
		return -EINVAL;
	strcpy(a->impi, word);
	return 0;
}

static int take_refused(struct ask_line *a, const char *word)
{
	struct btid id;

	if (!word || btid_parse(&id, (const uint8_t *)word, strlen(word)) < 0)
		return -EINVAL;
	strcpy(a->refused, word);
	return 0;
}

static int key_words(struct ask_line *a, char **rest)
{
	int rc = take_naf(a, strsep(rest, " "));
	char *word;

	while (rc == 0 && (word = strsep(rest, " "))) {
		if (strcmp(word, "force") == 0)
			a->force = true;
		else if (strcmp(word, "ua") == 0)
			rc = take_ua(a, strsep(rest, " "));
		else if (strcmp(word, "app") == 0)
			rc = take_app(a, strsep(rest, " "));
		else if (strcmp(word, "label") == 0)
			rc = take_label(a, strsep(rest, " "));
		else if (strcmp(word, "impi") == 0)
			rc = take_impi(a, strsep(rest, " "));
		else if (strcmp(word, "refused") == 0)
			rc = take_refused(a, strsep(rest, " "));
		else
			rc = -EINVAL;
	}
	if (a->refused[0])
		a->force = true; /* why else would it be told */
	return rc;
}

static int realm_word(struct ask_line *a, char **rest)
{
	const char *word = strsep(rest, " ");

	if (!word || !word[0] || strlen(word) > GBA_UE_REALM_MAX)
		return -EINVAL;
	strcpy(a->realm, word);
	return 0;
}

static int drop_words(struct ask_line *a, char **rest)
{
	int rc = realm_word(a, rest);
	const char *word = strsep(rest, " ");

	a->tmpi = word && strcmp(word, "tmpi") == 0;
	return rc < 0 || (word && !a->tmpi) ? -EINVAL : 0;
}

static const struct {
	const char *word;
	int (*take)(struct ask_line *a, char **rest);
} verbs[] = {
	[ASK_KEY] = { "key", key_words },  [ASK_LIST] = { "list", NULL },       [ASK_RENEW] = { "renew", NULL },
	[ASK_USE] = { "use", realm_word }, [ASK_DROP] = { "drop", drop_words }, [ASK_WATCH] = { "watch", NULL },
};

int ask_line_parse(struct ask_line *out, char *line, struct err *err)
{
	char *rest = line, *word = strsep(&rest, " ");
	struct ask_line a = { .verb = ASK_KEY };
	int rc = -EINVAL;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(word, verbs[i].word) != 0)
			continue;
		a.verb = (enum ask_verb)i;
		rc = verbs[i].take ? verbs[i].take(&a, &rest) : 0;
		if (rc == 0 && rest)
			rc = -EINVAL;
		break;
	}
	if (rc < 0)
		return err_set(err, -EINVAL, "that is no question; " ALLOWED);
	*out = a;
	return 0;
}
