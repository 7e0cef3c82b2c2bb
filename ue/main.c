/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-ue: a device with a card that bootstraps and opens protected pages. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ue/report.h"
#include "ue/ua_client.h"

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
	"  --json                           result as one JSON object\n"
	"  -v                               each HTTP message on stderr, digests masked\n"
	"  -V, -h                           version, this text\n"
	"exit code: 0 done; 1 usage or local files; 2 refused by the network or the server; 3 the network could not "
	"prove\n"
	"itself; 4 not reached or busy, try again later\n";

struct options {
	const char *card, *bsf, *command, *url;
	const char *connect_to[CONNECT_TO_MAX];
	size_t n_connect_to;
	long timeout_s;
	bool json, trace;
};

enum { OPT_BSF = 256, OPT_CONNECT_TO, OPT_TIMEOUT, OPT_JSON };

static const struct option longopts[] = {
	{ "bsf", required_argument, NULL, OPT_BSF },
	{ "connect-to", required_argument, NULL, OPT_CONNECT_TO },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int bad(const char *reason)
{
	fprintf(stderr, "gba-ue: %s\n%s", reason, usage);
	return UE_USAGE;
}

/* \returns -1 go on, else the exit code */
static int option(struct options *o, int c)
{
	char *end;

	switch (c) {
	case 'c':
		o->card = optarg;
		return -1;
	case 'v':
		o->trace = true;
		return -1;
	case OPT_BSF:
		o->bsf = optarg;
		return -1;
	case OPT_CONNECT_TO:
		if (o->n_connect_to == CONNECT_TO_MAX)
			return bad("too many --connect-to");
		o->connect_to[o->n_connect_to++] = optarg;
		return -1;
	case OPT_TIMEOUT:
		o->timeout_s = strtol(optarg, &end, 10);
		return *end || o->timeout_s < 1 || o->timeout_s > 3600 ? bad("--timeout: allowed is 1..3600") : -1;
	case OPT_JSON:
		o->json = true;
		return -1;
	case 'V':
		puts("gba-ue " PACKAGE_VERSION);
		return UE_OK;
	case 'h':
		fputs(usage, stdout);
		return UE_OK;
	default:
		fputs(usage, stderr);
		return UE_USAGE;
	}
}

static int main_parse(struct options *o, int argc, char **argv)
{
	int c, rc;

	while ((c = getopt_long(argc, argv, "c:vVh", longopts, NULL)) != -1) {
		rc = option(o, c);
		if (rc >= 0)
			return rc;
	}
	if (optind == argc)
		return bad("a command is needed: bootstrap, get, status or forget");
	o->command = argv[optind++];
	if (strcmp(o->command, "get") == 0) {
		if (optind == argc)
			return bad("get: a URL is needed");
		o->url = argv[optind++];
	}
	return optind < argc ? bad("too many words") : -1;
}

/* The command, with everything open. */
static enum ue_exit act(const struct options *o, struct ub_client *ub, struct err *err)
{
	struct ua_result result;
	enum ue_exit rc;

	if (strcmp(o->command, "bootstrap") == 0) {
		rc = ub_client_run(ub, err);
		if (rc == UE_OK)
			report_bootstrap(o->json, ub->keys);
		return rc;
	}
	if (strcmp(o->command, "get") == 0) {
		rc = ua_client_get(ub, o->url, &result, err);
		if (rc == UE_OK) {
			report_get(o->json, o->url, ub->keys, &result);
			rc = result.answer.status < 400   ? UE_OK
			     : result.answer.status < 500 ? UE_REFUSED
							  : UE_UNREACHABLE;
		} else {
			report_error(o->json, rc, err->text);
		}
		err->text[0] = '\0'; /* told, or of something that did not matter */
		ua_result_clear(&result);
		return rc;
	}
	if (strcmp(o->command, "forget") == 0 && key_store_forget(ub->keys, true, err) < 0)
		return UE_USAGE;
	if (strcmp(o->command, "forget") == 0 || strcmp(o->command, "status") == 0) {
		report_status(o->json, ub->keys);
		return UE_OK;
	}
	err_set(err, -EINVAL, "unknown command '%s'; allowed: bootstrap, get, status, forget", o->command);
	return UE_USAGE;
}

static enum ue_exit run(const struct options *o, struct err *err)
{
	const struct http_get_cfg http_cfg = { o->connect_to, o->n_connect_to, o->trace, o->timeout_s };
	char bsf_name[BSF_NAME_MAX + 1], url[BSF_NAME_MAX + 16];
	struct key_store keys;
	struct ub_client ub = { .keys = &keys, .bsf_name = bsf_name, .url = o->bsf ? o->bsf : url };
	struct impi impi;
	enum ue_exit rc = UE_USAGE;

	if (usim_soft_open(&ub.card, o->card, err) < 0)
		return UE_USAGE;
	if (impi_from_imsi(&impi, ub.card->imsi, ub.card->mnc_len) < 0 ||
	    bsf_name_from_imsi(bsf_name, ub.card->imsi, ub.card->mnc_len) < 0) {
		err_set(err, -EINVAL, "%s: no IMPI can be made from this IMSI", o->card);
	} else if (key_store_open(&keys, ub.card->state_path, ub.card->imsi, &impi, time(NULL), err) == 0) {
		snprintf(url, sizeof(url), "http://%s/", bsf_name);
		ub.http = http_get_new(&http_cfg, err);
		if (ub.http)
			rc = act(o, &ub, err);
		http_get_free(ub.http);
		key_store_clear(&keys);
	}
	ub.card->ops->close(ub.card);
	return rc;
}

int main(int argc, char **argv)
{
	struct options o = { .card = "usim-1.cfg", .timeout_s = 15 };
	struct err err = { "" };
	int rc;

	secret_harden_process();
	rc = main_parse(&o, argc, argv);
	if (rc >= 0)
		return rc;
	rc = run(&o, &err);
	if (rc != UE_OK && err.text[0])
		report_error(o.json, rc, err.text);
	return rc;
}
