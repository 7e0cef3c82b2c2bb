/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "example_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include "example_log.h"

static void usage(FILE *f)
{
	fprintf(f,
		"usage: gba-naf-example [options]\n"
		"A web page for devices that bootstrap with GBA.\n"
		"  --config FILE         all of it in a file, as the operator hands it out; beside it only --listen, --users and --json-log\n"
		"  --listen ADDR:PORT    IPv4; port 0 takes a free one (127.0.0.1:8090)\n"
		"  --fqdn FQDN           name devices use for this server, may be repeated (naf1.example.com)\n"
		"  --identity NAME       our Diameter identity (the first FQDN)\n"
		"  --realm NAME          our Diameter realm (example.com)\n"
		"  --bsf HOST[:PORT]     the BSF (127.0.0.1:3868)\n"
		"  --bsf-identity NAME   its Diameter identity (bsf.mnc001.mcc001.3gppnetwork.org)\n"
		"  --bsf-realm NAME      its Diameter realm (mnc001.mcc001.3gppnetwork.org)\n"
		"  --bsf-name FQDN       BSF name in B-TIDs, may be repeated\n"
		"                        (bsf.mnc001.mcc001.pub.3gppnetwork.org and bsf.ims.mnc001...)\n"
		"  --gsid N              service whose user security settings are asked for, may be repeated\n"
		"  --deadline MS         longest wait for the BSF (3000)\n"
		"  --sha256              offer SHA-256 before MD5\n"
		"  --qop WORD            auth: most clients; auth-int: bodies protected too; both (auth)\n"
		"  --key WORD            device: Ks_NAF, Ks_ext_NAF; card: Ks_int_NAF; both (device)\n"
		"  --slash-optional      /page/ and /page are the same\n"
		"  --users FILE          lines NAME:HASH ('openssl passwd -6' makes one of a PIN): /account asks for them,\n"
		"                        under the key of the SIM\n"
		"  --json-log            log lines as JSON\n"
		"  -h, --help\n");
}

int example_options_bad(const char *what, const char *value)
{
	fprintf(stderr, "gba-naf-example: %s: %s\n", what, value);
	return -1;
}

static int read_listen(struct sockaddr_in *out, const char *text)
{
	char host[64];
	const char *colon = strrchr(text, ':');
	char *end;
	unsigned long port;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return example_options_bad("--listen wants ADDR:PORT, not", text);
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (*end || end == colon + 1 || *(colon + 1) < '0' || *(colon + 1) > '9' || port > 65535 ||
	    inet_pton(AF_INET, host, &out->sin_addr) != 1)
		return example_options_bad("--listen wants ADDR:PORT, not", text);
	out->sin_family = AF_INET;
	out->sin_port = htons((uint16_t)port);
	return 0;
}

/* One of three words. */
static int read_choice(unsigned *out, const char *word, const char *const words[3], const unsigned values[2],
		       const char *wants)
{
	if (strcmp(word, words[0]) == 0)
		*out = values[0];
	else if (strcmp(word, words[1]) == 0)
		*out = values[1];
	else if (strcmp(word, words[2]) == 0)
		*out = values[0] | values[1];
	else
		return example_options_bad(wants, word);
	return 0;
}

static int read_qop(unsigned *out, const char *word)
{
	static const char *const words[] = { "auth", "auth-int", "both" };
	static const unsigned values[] = { GBA_NAF_AUTH, GBA_NAF_AUTH_INT };

	return read_choice(out, word, words, values, "--qop wants auth, auth-int or both, not");
}

static int read_key(unsigned *out, const char *word)
{
	static const char *const words[] = { "device", "card", "both" };
	static const unsigned values[] = { GBA_NAF_KEY_DEVICE, GBA_NAF_KEY_CARD };

	return read_choice(out, word, words, values, "--key wants device, card or both, not");
}

static int read_deadline(unsigned *out, const char *text)
{
	char *end;
	unsigned long ms = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !ms || ms > 3600000)
		return example_options_bad("--deadline wants 1 to 3600000 milliseconds, not", text);
	*out = (unsigned)ms;
	return 0;
}

static int add_word(const char **list, size_t *n, const char *what, const char *value)
{
	if (*n == EXAMPLE_LIST_MAX)
		return example_options_bad("too many of", what);
	list[(*n)++] = value;
	return 0;
}

enum {
	LISTEN = 1,
	CONFIG,
	NAME,
	IDENTITY,
	REALM,
	BSF,
	BSF_IDENTITY,
	BSF_REALM,
	BSF_NAME,
	GSID,
	DEADLINE,
	SHA,
	QOP,
	KEY,
	SLASH,
	USERS,
	JSON
};

static int one_option(struct example_options *o, int opt, const char *value)
{
	o->spelt_out |= opt != LISTEN && opt != CONFIG && opt != USERS && opt != JSON;
	switch (opt) {
	case CONFIG:
		o->config = value;
		return 0;
	case LISTEN:
		return read_listen(&o->listen, value);
	case NAME:
		return add_word(o->names, &o->naf.n_names, "--fqdn", value);
	case IDENTITY:
		o->diameter.identity = value;
		return 0;
	case REALM:
		o->diameter.realm = value;
		return 0;
	case BSF:
		o->diameter.bsf_address = value;
		return 0;
	case BSF_IDENTITY:
		o->diameter.bsf_identity = value;
		return 0;
	case BSF_REALM:
		o->diameter.bsf_realm = value;
		return 0;
	case BSF_NAME:
		return add_word(o->bsf_names, &o->naf.n_bsf_names, "--bsf-name", value);
	case GSID:
		return add_word(o->gsids, &o->naf.n_gsids, "--gsid", value);
	case DEADLINE:
		return read_deadline(&o->naf.deadline_ms, value);
	case SHA:
		o->naf.algorithms = GBA_NAF_SHA256 | GBA_NAF_MD5;
		return 0;
	case QOP:
		return read_qop(&o->naf.qop, value);
	case KEY:
		return read_key(&o->naf.keys, value);
	case SLASH:
		o->naf.slash_optional = true;
		return 0;
	case USERS:
		o->users = value;
		return 0;
	case JSON:
		o->json = true;
		return 0;
	default:
		usage(stderr);
		return -1;
	}
}

static int read_options(struct example_options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", 1, NULL, CONFIG },
		{ "listen", 1, NULL, LISTEN },
		{ "fqdn", 1, NULL, NAME },
		{ "identity", 1, NULL, IDENTITY },
		{ "realm", 1, NULL, REALM },
		{ "bsf", 1, NULL, BSF },
		{ "bsf-identity", 1, NULL, BSF_IDENTITY },
		{ "bsf-realm", 1, NULL, BSF_REALM },
		{ "bsf-name", 1, NULL, BSF_NAME },
		{ "gsid", 1, NULL, GSID },
		{ "deadline", 1, NULL, DEADLINE },
		{ "sha256", 0, NULL, SHA },
		{ "qop", 1, NULL, QOP },
		{ "key", 1, NULL, KEY },
		{ "slash-optional", 0, NULL, SLASH },
		{ "users", 1, NULL, USERS },
		{ "json-log", 0, NULL, JSON },
		{ "help", 0, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (opt == 'h') {
			usage(stdout);
			exit(0);
		}
		if (one_option(o, opt, optarg) < 0)
			return -1;
	}
	return optind < argc ? example_options_bad("no argument is expected", argv[optind]) : 0;
}

static void defaults(struct example_options *o)
{
	memset(o, 0, sizeof(*o));
	gba_naf_config_init(&o->naf);
	gba_naf_diameter_init(&o->diameter);
	read_listen(&o->listen, "127.0.0.1:8090");
	o->diameter.realm = "example.com";
	o->diameter.bsf_address = "127.0.0.1:3868";
	o->diameter.bsf_identity = "bsf.mnc001.mcc001.3gppnetwork.org";
	o->diameter.bsf_realm = "mnc001.mcc001.3gppnetwork.org";
}

static void on_naf_log(void *owner, enum gba_naf_log_level level, const char *text)
{
	const struct example_options *o = owner;

	if (level < GBA_NAF_LOG_NOTICE)
		return;
	example_log(o->json, "naf", "text", text, NULL);
}

static void complete_options(struct example_options *o)
{
	if (!o->naf.n_names)
		add_word(o->names, &o->naf.n_names, "", "naf1.example.com");
	if (!o->naf.n_bsf_names) {
		add_word(o->bsf_names, &o->naf.n_bsf_names, "", "bsf.mnc001.mcc001.pub.3gppnetwork.org");
		add_word(o->bsf_names, &o->naf.n_bsf_names, "", "bsf.ims.mnc001.mcc001.pub.3gppnetwork.org");
	}
	if (!o->diameter.identity)
		o->diameter.identity = o->names[0];
	o->naf.names = o->names;
	o->naf.bsf_names = o->bsf_names;
	o->naf.gsids = o->gsids;
	o->naf.diameter = &o->diameter;
	o->naf.log = on_naf_log;
	o->naf.log_owner = o;
}

/* The file has all that an application must know; only who listens to the log is ours. */
static int read_conf(struct example_options *o)
{
	char err[512];

	if (o->spelt_out)
		return example_options_bad("beside --config only --listen, --users and --json-log are allowed",
					   o->config);
	o->read = gba_naf_config_read(o->config, err, sizeof(err));
	if (!o->read)
		return example_options_bad("cannot be read", err);
	o->naf = *o->read;
	o->names[0] = o->naf.names[0];
	o->naf.log = on_naf_log;
	o->naf.log_owner = o;
	return 0;
}

int example_options(struct example_options *out, int argc, char **argv)
{
	defaults(out);
	if (read_options(out, argc, argv) < 0)
		return -1;
	if (out->config)
		return read_conf(out);
	complete_options(out);
	return 0;
}
