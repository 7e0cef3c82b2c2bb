/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-store: a store of gba-bsfd on a disk, looked at, checked, saved, carried elsewhere; while no daemon uses it. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bsf/tool/tool.h"
#include "common/base/visible.h"

static const char usage[] =
	"usage: gba-store count DIR\n"
	"       gba-store check DIR --kek ID=WHERE...\n"
	"       gba-store salvage DIR NEW-DIR [--kek ID=WHERE...]\n"
	"       gba-store export DIR NEW-FILE\n"
	"       gba-store import FILE NEW-DIR\n"
	"\n"
	"DIR is the folder that 'lmdb' names in the configuration of gba-bsfd, which must not be running. Nothing in it is\n"
	"changed. Records stay sealed: an export is worth nothing without the KEK.\n"
	"\n"
	"  --kek ID=WHERE  as 'kek ID ...' there; records are opened with it, to see whether they do. WHERE is\n"
	"                  PATH, credential:NAME or pkcs11:MODULE,TOKEN,KEY,PIN-FILE\n"
	"  -V, -h          version, this text\n"
	"\n"
	"exit code: 0 done, and all is well; 1 something is damaged, or it could not be done; 2 usage\n";

enum { EXIT_NOT_WELL = 1, EXIT_USAGE = 2 };

static int to_salvage(char **args, const struct tool_keks *keks, struct err *err)
{
	return tool_salvage(args[0], args[1], keks, err);
}

static int to_count(char **args, const struct tool_keks *keks, struct err *err)
{
	return tool_count(args[0], err);
}

static int to_check(char **args, const struct tool_keks *keks, struct err *err)
{
	return tool_check(args[0], keks, err);
}

static int to_export(char **args, const struct tool_keks *keks, struct err *err)
{
	return tool_export(args[0], args[1], err);
}

static int to_import(char **args, const struct tool_keks *keks, struct err *err)
{
	return tool_import(args[0], args[1], err);
}

static const struct {
	const char *name;
	int args;
	int (*run)(char **args, const struct tool_keks *keks, struct err *err);
} commands[] = {
	{ "count", 1, to_count },   { "check", 1, to_check },   { "salvage", 2, to_salvage },
	{ "export", 2, to_export }, { "import", 2, to_import },
};

static int do_command(int argc, char **argv, const struct tool_keks *keks, struct err *err)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc > 0 && strcmp(argv[0], commands[i].name) == 0 && argc - 1 == commands[i].args)
			return commands[i].run(argv + 1, keks, err);
	fputs(usage, stderr);
	exit(EXIT_USAGE);
}

static void complain(const struct err *err)
{
	fputs("gba-store: ", stderr);
	visible_print(stderr, err->text, strlen(err->text), false);
	fputc('\n', stderr);
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "kek", required_argument, NULL, 'k' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct tool_keks keks = { 0 };
	struct err err = { "" };
	int c, rc = 0;

	secret_harden_process();
	while ((c = getopt_long(argc, argv, "Vh", longopts, NULL)) != -1) {
		switch (c) {
		case 'k':
			if (tool_kek_add(&keks, optarg, &err) == 0)
				break;
			tool_keks_free(&keks);
			complain(&err);
			return EXIT_USAGE;
		case 'V':
			puts("gba-store " PACKAGE_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs("gba-store --help tells what is allowed\n", stderr);
			return EXIT_USAGE;
		}
	}
	rc = do_command(argc - optind, argv + optind, &keks, &err);
	tool_keks_free(&keks);
	if (rc < 0)
		complain(&err);
	if (fflush(stdout) != 0 || ferror(stdout))
		rc = -EIO;
	return rc == 0 ? 0 : EXIT_NOT_WELL;
}
