/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-keys: from what a card and the network share to every key of GBA, step by step. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jansson.h>

#include "common/base/visible.h"
#include "tools/keys_derive.h"

static const char usage[] =
	"usage: gba-keys [--in FILE | --in -] [--json] [NAME=VALUE...]\n"
	"\n"
	"Derives and SHOWS every key of GBA that follows from its inputs, naming each input: what to compare with when "
	"two\n"
	"implementations do not agree. It prints keys on purpose; feed it test vectors, not live subscribers.\n"
	"\n"
	"  --in FILE   lines 'name = value' or 'name value'; ! or # begins a comment; the card file of gba-ue will do\n"
	"  --in -      the same on standard input\n"
	"  --json      one JSON object: {\"steps\": [{\"name\", \"value\", \"how\", \"clause\"}...]}\n"
	"  NAME=VALUE  a value that is no secret; wins over file and environment\n"
	"  -V, -h      version, this text\n"
	"\n"
	"What no file gives is taken from the environment: GBA_K, GBA_OPC, GBA_RAND, GBA_MNC_LENGTH and so on. Secrets "
	"are\n"
	"never taken from the command line.\n"
	"\n"
	"names:\n";

static const char examples[] =
	"\n"
	"examples:\n"
	"  gba-keys --in usim-1.cfg rand=23553cbe9637a89d218ae64dae47bf35 sqn=000000000020 naf=naf1.example.com\n"
	"  printf 'ks = %s\\n' \"$KS\" | gba-keys --in - rand=... impi=user@example.com naf=naf1.example.com\n"
	"\n"
	"exit code: 0 done; 1 standard output cannot be written; 2 usage or inputs\n";

enum { EXIT_OUTPUT = 1, EXIT_INPUTS = 2 };

static void print_step(void *owner, const char *name, const char *value, const char *how, const char *clause)
{
	printf("%-12s %s\n%-12s   = %s   [%s]\n", name, value, "", how, clause);
}

static void add_step(void *owner, const char *name, const char *value, const char *how, const char *clause)
{
	json_array_append_new(
		owner, json_pack("{s:s, s:s, s:s, s:s}", "name", name, "value", value, "how", how, "clause", clause));
}

static int derive(const struct keys_input *in, bool json, struct err *err)
{
	json_t *steps = json_array(), *all = json_pack("{s:o}", "steps", steps);
	int rc = json ? keys_derive(in, add_step, steps, err) : keys_derive(in, print_step, NULL, err);

	if (rc == 0 && json) { /* whether it could be written is asked at the end */
		json_dumpf(all, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(all);
	return rc;
}

static int read_file(struct keys_input *in, const char *path, struct err *err)
{
	FILE *f;
	int rc;

	if (!path)
		return 0;
	if (strcmp(path, "-") == 0)
		return keys_input_read(in, stdin, "standard input", err);
	f = fopen(path, "re");
	if (!f)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	rc = keys_input_read(in, f, path, err);
	fclose(f);
	return rc;
}

static void help(void)
{
	fputs(usage, stdout);
	keys_input_describe(stdout);
	fputs(examples, stdout);
}

/* Words win over the file, the file over the environment. */
static int gather(struct keys_input *in, const char *path, char **words, struct err *err)
{
	struct keys_input given = { 0 };
	int rc = 0;

	for (; rc == 0 && *words; words++)
		rc = keys_input_word(&given, *words, err);
	if (rc == 0)
		rc = read_file(in, path, err);
	if (rc == 0)
		rc = keys_input_environment(in, err);
	for (int i = 0; rc == 0 && i < IN_COUNT; i++) {
		if (given.v[i].set)
			in->v[i] = given.v[i];
	}
	return rc;
}

/* An option that names a secret is told as such, not as unknown. */
static int secret_option(char **argv, struct err *err)
{
	struct keys_input none = { 0 };
	char word[KEYS_TEXT_MAX];

	for (char **a = argv + 1; *a; a++) {
		snprintf(word, sizeof(word), "%s%s", *a, strchr(*a, '=') ? "" : "=");
		if ((*a)[0] == '-' && keys_input_word(&none, word, err) == -EPERM)
			return -EPERM;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "in", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct keys_input in = { 0 };
	struct err err = { "" };
	const char *path = NULL;
	bool json = false;
	int c, rc = secret_option(argv, &err);

	secret_harden_process();
	while (rc == 0 && (c = getopt_long(argc, argv, "Vh", longopts, NULL)) != -1) {
		switch (c) {
		case 'i':
			path = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'V':
			puts("gba-keys " PACKAGE_VERSION);
			return 0;
		case 'h':
			help();
			return 0;
		default:
			fputs("gba-keys --help tells what is allowed\n", stderr);
			return EXIT_INPUTS;
		}
	}
	if (rc == 0)
		rc = gather(&in, path, argv + optind, &err);
	if (rc == 0)
		rc = derive(&in, json, &err);
	keys_input_clear(&in);
	if (rc == 0 && fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	if (rc == 0)
		err_set(&err, -EIO, "standard output cannot be written");
	fputs("gba-keys: ", stderr);
	visible_print(stderr, err.text, strlen(err.text), false); /* a file may be anybody's */
	fputc('\n', stderr);
	return rc == 0 ? EXIT_OUTPUT : EXIT_INPUTS;
}
