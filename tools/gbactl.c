/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gbactl: orders to a daemon's control socket. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/base/ctl_client.h"
#include "common/base/secret.h"
#include "common/base/visible.h"

enum { DONE, REFUSED, USAGE, UNREACHABLE };

#define TIMEOUT_S    60
#define DOCUMENT_MAX (64u << 20)

static const struct {
	const char *word, *path;
} sockets[] = {
	{ "bsf", "/run/gba-bsf/control" },
	{ "hss", "/run/gba-hss-sim/control" },
	{ "znproxy", "/run/gba-znproxy/control" },
	{ "reg", "/run/gba-reg/control" },
};

struct wish {
	const char *socket, *file; /* file NULL: no document; "-": standard input */
	unsigned timeout_s;
	bool json;
	char *command;
};

static void show_help(void)
{
	puts("gbactl: operate gba-bsfd, gba-hss-simd, gba-znproxyd and gba-regd\n\n"
	     "  gbactl [OPTION...] COMMAND [ARGUMENT...]\n\n"
	     "  -s, --socket PATH   of the daemon: bsf, hss, znproxy or reg for those of the packages, or a path; default\n"
	     "                      $GBACTL_SOCKET, else reg for what the registry is told, bsf for the rest\n"
	     "  -f, --file FILE     the document of the command; - is standard input\n"
	     "  -t, --timeout N     seconds to wait for an answer (60); 0: for ever\n"
	     "      --json          the answer as one JSON object\n"
	     "  -V, --version\n"
	     "  -h, --help\n\n"
	     "'gbactl commands' tells what a daemon can be told.");
}

static int fault(int status, const char *what, const char *why)
{
	fprintf(stderr, "gbactl: ");
	visible_print(stderr, what, strlen(what), false);
	fprintf(stderr, ": ");
	visible_print(stderr, why, strlen(why), false);
	fputc('\n', stderr);
	return status;
}

/* One blank between two words, so that they come out as they went in. \returns malloc'ed; NULL: a word cannot be one */
static char *join(char **words)
{
	size_t len = 1;
	char *out;

	for (char **w = words; *w; w++) {
		if (!**w || strpbrk(*w, " \t\r\n"))
			return NULL;
		len += strlen(*w) + 1;
	}
	out = calloc(1, len);
	for (char **w = words; out && *w; w++) {
		if (w > words)
			strcat(out, " ");
		strcat(out, *w);
	}
	return out;
}

static const char *socket_path(const char *s)
{
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		if (strcmp(s, sockets[i].word) == 0)
			return sockets[i].path;
	}
	return s;
}

/* What only the registry can be told needs no -s. */
static bool is_of_registry(const char *word)
{
	static const char *const words[] = { "asp",      "app",    "user",        "group",   "device", "grant",
					     "withdraw", "outbox", "reconcile",   "audit",   "backup", "discovery",
					     "request",  "token",  "certificate", "profiles" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

/* \returns -1 go on; else the exit status */
static int read_options(struct wish *w, int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "file", required_argument, NULL, 'f' },
		{ "timeout", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *env = getenv("GBACTL_SOCKET");
	char *end;
	int opt;

	*w = (struct wish){ .socket = env && *env ? env : NULL, .timeout_s = TIMEOUT_S };
	while ((opt = getopt_long(argc, argv, "+s:f:t:Vh", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			w->socket = optarg;
			break;
		case 'f':
			w->file = optarg;
			break;
		case 't':
			w->timeout_s = (unsigned)strtoul(optarg, &end, 10);
			if (*end || end == optarg || *optarg == '-')
				return fault(USAGE, optarg, "is no time; allowed: seconds");
			break;
		case 'j':
			w->json = true;
			break;
		case 'V':
			puts("gbactl " PACKAGE_VERSION);
			return DONE;
		case 'h':
			show_help();
			return DONE;
		default:
			fputs("Try 'gbactl --help'.\n", stderr);
			return USAGE;
		}
	}
	if (optind == argc)
		return fault(USAGE, "no command", "'gbactl commands' tells what there is");
	if (!w->socket)
		w->socket = is_of_registry(argv[optind]) ? "reg" : "bsf";
	w->command = join(argv + optind);
	return w->command ? -1 : fault(USAGE, "an argument is empty or has a blank in it", "allowed: words");
}

/* \returns -1 and the document; else the exit status */
static int read_document(struct span *out, const char *file)
{
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	size_t cap = 65536, len = 0, n;
	uint8_t *p = f ? malloc(cap) : NULL, *more;

	if (!f)
		return fault(USAGE, file, strerror(errno));
	while (p && (n = fread(p + len, 1, cap - len, f)) > 0) {
		len += n;
		if (len < cap)
			continue;
		cap *= 2;
		more = cap <= 2 * DOCUMENT_MAX ? realloc(p, cap) : NULL;
		if (!more)
			free(p);
		p = more;
	}
	if (!p || len > DOCUMENT_MAX)
		return fault(USAGE, file, "is too long; allowed: up to 64 MiB");
	if (ferror(f))
		return fault(USAGE, file, "cannot be read");
	*out = span_of(p, len);
	return -1;
}

static void print_value(const json_t *v)
{
	char *text = json_is_string(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
	const char *s = json_is_string(v) ? json_string_value(v) : text;

	if (s)
		visible_print(stdout, s, strlen(s), true);
	free(text);
}

/* One of the answer to "commands", for people. \returns false: o is something else */
static bool print_command(const json_t *o)
{
	const char *words, *args, *help;
	int document, changes, n;

	if (json_unpack((json_t *)o, "{sssssbsbss}", "command", &words, "arguments", &args, "document", &document,
			"changes", &changes, "help", &help) < 0)
		return false;
	n = printf("%s%s%s%s", words, *args ? " " : "", args, document ? " --file FILE" : "");
	printf("%*s%s%s\n", n < 40 ? 40 - n : 1, "", help, changes ? "" : " (changes nothing)");
	return true;
}

/* Members one a line; those of a list in a line, "name value" each. */
static void print_flat(const json_t *o)
{
	const char *name;
	json_t *v;
	int n = 0;

	json_object_foreach((json_t *)o, name, v)
	{
		printf("%s%s ", n++ ? ", " : "", name);
		print_value(v);
	}
	putchar('\n');
}

static void print_object(const json_t *o);

/* Its members stand for themselves; where each is an object, a line for each with its name, as "keks 1". */
static void print_group(const char *group, const json_t *o)
{
	const char *name;
	json_t *v;

	if (!json_is_object(json_object_iter_value(json_object_iter((json_t *)o)))) {
		print_object(o);
		return;
	}
	json_object_foreach((json_t *)o, name, v)
	{
		int n = printf("%s %s", group, name);

		printf("%*s", n < 25 ? 25 - n : 1, "");
		print_flat(v);
	}
}

static void print_object(const json_t *o)
{
	const char *name;
	json_t *v, *of;
	size_t i;

	json_object_foreach((json_t *)o, name, v)
	{
		if (json_is_object(v)) {
			print_group(name, v);
		} else if (json_is_array(v)) {
			json_array_foreach(v, i, of)
			{
				if (json_is_object(of) && print_command(of))
					continue;
				if (json_is_object(of))
					print_flat(of);
				else
					print_value(of), putchar('\n');
			}
		} else if (json_is_string(v) && strchr(json_string_value(v), '\n')) {
			print_value(v); /* a document */
		} else {
			printf("%-24s ", name);
			print_value(v);
			putchar('\n');
		}
	}
}

/* \param[out] next what the next page begins behind, malloc'ed; NULL: this is the last one */
static int report_done(const struct wish *w, const char *answer, char **next)
{
	json_t *o = json_loads(answer, 0, NULL);
	const char *behind = json_string_value(json_object_get(o, "next"));

	*next = behind ? strdup(behind) : NULL;
	json_object_del(o, "next");
	if (w->json)
		visible_json(stdout, answer);
	else if (json_is_object(o))
		print_object(o);
	json_decref(o);
	return fflush(stdout) == 0 && !ferror(stdout) ? DONE : fault(USAGE, "standard output", "cannot be written");
}

/* "WORD text" */
static int report_refusal(const struct wish *w, const char *answer)
{
	size_t word = strcspn(answer, " ");
	const char *text = answer + word + (answer[word] == ' ');
	json_t *o;
	char *json;

	if (!w->json)
		return fault(strncmp(answer, "syntax ", 7) == 0 ? USAGE : REFUSED, "refused", text);
	o = json_pack("{ss%ss}", "error", answer, word, "text", text);
	json = o ? json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	visible_json(stdout, json);
	free(json);
	json_decref(o);
	return strncmp(answer, "syntax ", 7) == 0 ? USAGE : REFUSED;
}

/* One page of an answer; most have one. */
static int ask_once(struct ctl_client *c, const struct wish *w, const char *command, struct span document, char **next)
{
	struct err err = { "" };
	char *answer = NULL;
	int rc = ctl_client_ask(c, command, document, &answer, &err);

	*next = NULL;
	if (rc < 0)
		rc = fault(UNREACHABLE, "no answer, and it is not known whether it was done", err.text);
	else
		rc = rc == 0 ? report_done(w, answer, next) : report_refusal(w, answer);
	free(answer);
	return rc;
}

static int order(const struct wish *w, struct span document)
{
	char *command = strdup(w->command), *next = NULL;
	struct ctl_client c;
	struct err err = { "" };
	int rc = ctl_client_open(&c, socket_path(w->socket), w->timeout_s, &err);

	if (rc < 0)
		rc = fault(UNREACHABLE, rc == -EACCES ? "not allowed" : "no daemon", err.text);
	else
		rc = command ? ask_once(&c, w, command, document, &next) : fault(USAGE, "no memory", "");
	while (rc == DONE && next) {
		free(command);
		if (asprintf(&command, "%s %s", w->command, next) < 0)
			command = NULL;
		free(next);
		next = NULL;
		rc = command ? ask_once(&c, w, command, document, &next) : fault(USAGE, "no memory", "");
	}
	ctl_client_close(&c);
	free(next);
	free(command);
	return rc;
}

/* "1 event {...}", one a line, until the daemon ends. */
static int print_events(FILE *f, const struct wish *w)
{
	static const char event[] = "1 event ", ok[] = "1 ok ", error[] = "1 error ";
	char *line = NULL;
	size_t cap = 0;
	int rc = UNREACHABLE;

	while (rc == UNREACHABLE && getline(&line, &cap, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, error, sizeof(error) - 1) == 0)
			rc = report_refusal(w, line + sizeof(error) - 1);
		else if (strncmp(line, event, sizeof(event) - 1) == 0)
			visible_json(stdout, line + sizeof(event) - 1);
		else if (strncmp(line, ok, sizeof(ok) - 1) != 0)
			rc = fault(UNREACHABLE, "no event", line);
		fflush(stdout);
	}
	free(line);
	return rc == UNREACHABLE ? fault(UNREACHABLE, "no more events", "the connection was closed") : rc;
}

static int watch(const struct wish *w)
{
	struct ctl_client c;
	struct err err = { "" };
	FILE *f = NULL;
	int rc;

	if (ctl_client_open(&c, socket_path(w->socket), 0, &err) < 0)
		return fault(UNREACHABLE, "no daemon", err.text);
	if (dprintf(c.fd, "1 watch\n") > 0)
		f = fdopen(c.fd, "r");
	rc = f ? print_events(f, w) : fault(UNREACHABLE, "no daemon", strerror(errno));
	if (f)
		fclose(f);
	else
		ctl_client_close(&c);
	return rc;
}

int main(int argc, char **argv)
{
	struct span document = { NULL, 0 };
	struct wish w;
	int rc = read_options(&w, argc, argv);

	if (rc < 0 && w.file)
		rc = read_document(&document, w.file);
	if (rc < 0)
		rc = strcmp(w.command, "watch") == 0 ? watch(&w) : order(&w, document);
	if (document.p)
		OPENSSL_cleanse((void *)document.p, document.len);
	free((void *)document.p);
	free(w.command);
	return rc;
}
