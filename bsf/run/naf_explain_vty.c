/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What holds for a NAF, and what it would be answered: typed. */
#include <stdlib.h>
#include <string.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/naf_explain.h"

static struct shard *const *shards;

static void show_value(struct vty *vty, const char *name, const json_t *v)
{
	char *text = json_is_string(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);

	vty_out(vty, "%-16s %s%s", name, text ? text : json_string_value(v), VTY_NEWLINE);
	free(text);
}

static void show_words(struct vty *vty, const json_t *words)
{
	const json_t *w;
	size_t i;

	json_array_foreach(words, i, w)
		vty_out(vty, " %-16s %-40s ! %s%s", json_string_value(json_object_get(w, "word")),
			json_string_value(json_object_get(w, "value")), json_string_value(json_object_get(w, "from")),
			VTY_NEWLINE);
}

/* Takes o. */
static int show(struct vty *vty, json_t *o, const struct err *err)
{
	const char *name;
	json_t *v;

	if (!o) {
		vty_out(vty, "%% %s%s", err->text, VTY_NEWLINE);
		return CMD_WARNING;
	}
	json_object_foreach(o, name, v)
	{
		if (strcmp(name, "words") == 0)
			show_words(vty, v);
		else
			show_value(vty, name, v);
	}
	json_decref(o);
	return CMD_SUCCESS;
}

DEFUN(show_naf_effective, show_naf_effective_cmd, "show naf NAME effective",
      SHOW_STR "A NAF, of the configuration or of the policy directory\n"
	       "Its Diameter identity\n"
	       "What holds for it, and where each of it is written\n")
{
	struct err err;

	return show(vty, naf_explain(argv[0], &err), &err);
}

#define TEST_HELP \
	"What would be answered\n" \
	"To a NAF\n" \
	"Its Diameter identity\n" \
	"Asking for the key of a device\n" \
	"base64(RAND)@BSF name\n"

static int test(struct vty *vty, int argc, const char *argv[])
{
	const char *words[64] = { "btid" };
	struct err err;
	size_t n = 1;

	for (int i = 1; i < argc && n < 64; i++)
		words[n++] = argv[i];
	return show(vty, naf_explain_test(shards[0], argv[0], words, n, &err), &err);
}

DEFUN(test_naf, test_naf_cmd, "test naf NAME btid BTID", TEST_HELP)
{
	return test(vty, argc, argv);
}

DEFUN(test_naf_with, test_naf_with_cmd, "test naf NAME btid BTID .OPTION",
      TEST_HELP "gsid GSID, fqdn FQDN, ua ID of 10 hex digits, gba-u, tls-key KEY\n")
{
	return test(vty, argc, argv);
}

void naf_explain_vty_init(struct shard *const *sh)
{
	shards = sh;
	install_element_ve(&show_naf_effective_cmd);
	install_element(ENABLE_NODE, &test_naf_cmd);
	install_element(ENABLE_NODE, &test_naf_with_cmd);
}
