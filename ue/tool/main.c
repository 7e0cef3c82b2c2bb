/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-ue: a device with a card that bootstraps and opens protected pages. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ue/tool/report.h"
#include "ue/tool/ua_client.h"

#define CONNECT_TO_MAX 32

static const char usage[] =
	"usage: gba-ue [options] bootstrap        run Ub, whether or not a key is there\n"
	"       gba-ue [options] get URL          open a page; bootstraps when the server asks\n"
	"       gba-ue [options] status           what the device holds\n"
	"       gba-ue [options] forget           delete keys and TMPI, as when the card is taken out\n"
	"options:\n"
	"  -c FILE                          soft USIM (default usim-1.cfg), mode 0600\n"
	"  --bsf URL                        BSF (default http://NAME/, NAME from the IMSI by TS 23.003 16.2)\n"
	"  --connect-to HOST:PORT:ADDR:PORT where to connect instead, as in curl; repeatable\n"
	"  --timeout SECONDS                for one request (default 15)\n"
	"  --output FILE                    the page of 'get' octet for octet in FILE; without it, it goes to standard\n"
	"                                   output, where what could steer a terminal is written as \\xNN\n"
	"  --json                           result as one JSON object, also of what fails\n"
	"  -v                               each HTTP message on stderr, digests masked\n"
	"  -V, -h                           version, this text\n"
	"exit code: 0 done; 1 refused by the network or the server; 2 usage or local files; 3 the network could not\n"
	"prove itself, or gave a key that cannot be right; 4 not reached or busy, try again later\n";

struct options {
	const char *card, *bsf, *command, *url, *output;
	const char *connect_to[CONNECT_TO_MAX];
	size_t n_connect_to;
	long timeout_s;
	bool json, trace;
};

enum { OPT_BSF = 256, OPT_CONNECT_TO, OPT_TIMEOUT, OPT_OUTPUT, OPT_JSON };

static const struct option longopts[] = {
	{ "bsf", required_argument, NULL, OPT_BSF },
	{ "connect-to", required_argument, NULL, OPT_CONNECT_TO },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "output", required_argument, NULL, OPT_OUTPUT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* \param[in] what the word that is wrong, NULL: one is missing */
static int bad(const struct options *o, const char *reason, const char *what)
{
	char text[ERR_MAX];

	snprintf(text, sizeof(text), "%s%s%s; gba-ue --help tells what is allowed", reason, what ? ": " : "",
		 what ? what : "");
	report_error(o->json, UE_CAUSE_usage, NULL, text);
	return UE_USAGE;
}

/* \returns -1 a URL this program can open */
static int check_url(const struct options *o, const char *url)
{
	char *host = NULL, *target = NULL;
	struct err err = { "" };
	int rc = http_url_split(url, &host, &target, &err);

	free(host);
	free(target);
	return rc < 0 ? bad(o, err.text, NULL) : -1;
}

static int set_timeout(struct options *o)
{
	size_t digits = strspn(optarg, "0123456789");

	o->timeout_s = digits && digits < 5 && !optarg[digits] ? strtol(optarg, NULL, 10) : 0;
	return o->timeout_s < 1 || o->timeout_s > 3600 ? bad(o, "--timeout: allowed is 1..3600", optarg) : -1;
}

static int add_connect_to(struct options *o)
{
	if (o->n_connect_to == CONNECT_TO_MAX)
		return bad(o, "too many --connect-to", NULL);
	if (!http_connect_to_valid(optarg))
		return bad(o, "--connect-to: allowed is HOST:PORT:ADDR:PORT", optarg);
	o->connect_to[o->n_connect_to++] = optarg;
	return -1;
}

/* \returns -1 go on, else the exit code */
static int option(struct options *o, int c, const char *word)
{
	switch (c) {
	case 'c':
		o->card = optarg;
		return -1;
	case 'v':
		o->trace = true;
		return -1;
	case OPT_BSF:
		o->bsf = optarg;
		return check_url(o, optarg);
	case OPT_CONNECT_TO:
		return add_connect_to(o);
	case OPT_TIMEOUT:
		return set_timeout(o);
	case OPT_OUTPUT:
		o->output = optarg;
		return -1;
	case OPT_JSON:
		return -1;
	case 'V':
		puts("gba-ue " PACKAGE_VERSION);
		return UE_OK;
	case 'h':
		fputs(usage, stdout);
		return UE_OK;
	default:
		return bad(o, c == ':' ? "an option lacks its value" : "unknown option", word);
	}
}

/* Also what is wrong before it is told as JSON. */
static bool wants_json(char **argv)
{
	for (argv++; *argv && strcmp(*argv, "--") != 0; argv++) {
		if (strcmp(*argv, "--json") == 0)
			return true;
	}
	return false;
}

static int parse_command(struct options *o, char **words, int n)
{
	static const char *const commands[] = { "bootstrap", "get", "status", "forget" };
	bool known = false;

	if (n == 0)
		return bad(o, "a command is needed: bootstrap, get, status or forget", NULL);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		known = known || strcmp(words[0], commands[i]) == 0;
	if (!known)
		return bad(o, "unknown command", words[0]);
	o->command = words[0];
	if (strcmp(o->command, "get") == 0) {
		if (n < 2)
			return bad(o, "get: a URL is needed", NULL);
		o->url = words[1];
	}
	if (n > (o->url ? 2 : 1))
		return bad(o, "too many words", words[o->url ? 2 : 1]);
	if (o->output && !o->url)
		return bad(o, "--output: only with get", NULL);
	return o->url ? check_url(o, o->url) : -1;
}

static int main_parse(struct options *o, int argc, char **argv)
{
	int c, rc;

	o->json = wants_json(argv);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":c:vVh", longopts, NULL)) != -1) {
		rc = option(o, c, argv[optind - 1]);
		if (rc >= 0)
			return rc;
	}
	return parse_command(o, argv + optind, argc - optind);
}

static int write_page(const char *path, const struct http_answer *a, struct err *err)
{
	FILE *f = fopen(path, "we");
	bool ok = f && fwrite(a->body ? (const char *)a->body : "", 1, a->body_len, f) == a->body_len;

	if (f && fclose(f) != 0)
		ok = false;
	return ok ? 0 : err_set(err, -EIO, "%s: %s", path, strerror(errno));
}

static enum ue_cause get(const struct options *o, struct ub_client *ub, struct err *err)
{
	struct ua_result result;
	enum ue_cause rc = ua_client_get(ub, o->url, &result, err);
	long status = result.answer.status;

	if (rc == UE_CAUSE_ok && o->output && write_page(o->output, &result.answer, err) < 0)
		rc = UE_CAUSE_local;
	if (rc != UE_CAUSE_ok) {
		report_error(o->json, rc, &ub->trail, err->text);
	} else {
		rc = status < 400 ? UE_CAUSE_ok : ue_cause_of_status(status);
		report_get(o->json, o->url, ub, &result, rc, !o->output);
	}
	ua_result_clear(&result);
	return rc;
}

/* The command, with everything open; tells what came of it. */
static enum ue_cause act(const struct options *o, struct ub_client *ub, struct err *err)
{
	enum ue_cause rc = UE_CAUSE_ok;

	if (o->url)
		return get(o, ub, err);
	if (strcmp(o->command, "bootstrap") == 0)
		rc = ub_client_run(ub, err);
	else if (strcmp(o->command, "forget") == 0 && key_store_forget(ub->keys, true, err) < 0)
		rc = UE_CAUSE_local;
	if (rc != UE_CAUSE_ok)
		report_error(o->json, rc, &ub->trail, err->text);
	else if (strcmp(o->command, "bootstrap") == 0)
		report_bootstrap(o->json, ub);
	else
		report_status(o->json, ub);
	return rc;
}

/* \returns false and the reason in err: nothing has been told yet */
static bool run(const struct options *o, enum ue_cause *cause, struct err *err)
{
	const struct http_get_cfg http_cfg = { o->connect_to, o->n_connect_to, o->trace, o->timeout_s };
	char url[BSF_NAME_MAX + 16];
	struct key_store keys;
	struct ub_client ub = { .keys = &keys, .url = o->bsf ? o->bsf : url };
	bool done = false;

	if (card_soft_open(&ub.card, o->card, err) < 0)
		return false;
	ub.bsf_name = ub.card->bsf_name;
	if (key_store_open(&keys, ub.card->state_path, ub.card->imsi, &ub.card->impi, time(NULL), err) == 0) {
		snprintf(url, sizeof(url), "http://%s/", ub.bsf_name);
		ub.http = http_get_new(&http_cfg, err);
		done = ub.http != NULL;
		if (done)
			*cause = act(o, &ub, err);
		http_get_free(ub.http);
		key_store_clear(&keys);
	}
	card_close(ub.card);
	return done;
}

int main(int argc, char **argv)
{
	struct options o = { .card = "usim-1.cfg", .timeout_s = 15 };
	enum ue_cause cause = UE_CAUSE_local;
	struct err err = { "" };
	int rc;

	secret_harden_process();
	rc = main_parse(&o, argc, argv);
	if (rc >= 0)
		return rc;
	if (!run(&o, &cause, &err))
		report_error(o.json, cause, NULL, err.text[0] ? err.text : "no memory");
	if (fflush(stdout) != 0) {
		fprintf(stderr, "gba-ue: standard output cannot be written\n");
		return UE_USAGE;
	}
	return ue_cause_exit(cause);
}
