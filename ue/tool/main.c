/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-ue: a device with a card that bootstraps and opens protected pages. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/hex.h"
#include "ue/lib/http_url.h"
#include "ue/tool/agent_line.h"
#include "ue/tool/apps.h"
#include "ue/tool/discover.h"
#include "ue/tool/report.h"
#include "ue/tool/ua_client.h"

#define CONNECT_TO_MAX 32
#define REALM          "card" /* the one there is */

static const char usage[] =
	"usage: gba-ue [options] bootstrap        run Ub, whether or not a key is there\n"
	"       gba-ue [options] get URL          open a page; bootstraps when the server asks\n"
	"       gba-ue [options] key HOST         the key with an application, printed\n"
	"       gba-ue [options] status           what the device holds\n"
	"       gba-ue [options] forget           delete keys and TMPI, as when the card is taken out\n"
	"       gba-ue [options] apps URL         what this device may use, as the operator's registry there says\n"
	"       gba-ue [options] discover URL     what an operator says of its realm at https://HOST\n"
	"       gba-ue --agent SOCKET ask WORDS   a line to gba-ued, and its answer: list, watch, use REALM...\n"
	"options:\n"
	"  -c, --card CARD                  soft USIM's file (default usim-1.cfg), pcsc:READER, modem:DEVICE or rest:URL#SLOT,\n"
	"                                   and behind commas pin-file=FILE, app=any|usim|isim|LABEL, state=FILE,\n"
	"                                   mnc-length=2|3, timeout=SECONDS (of one answer of it, 1..60, default 10)\n"
	"  --agent SOCKET                   the device that gba-ued keeps, in place of a card: bootstrap, get, key, apps, ask\n"
	"  --ua-id HEX                      with key: Ua security protocol identifier, 10 hexadecimal digits\n"
	"  --refused BTID                   with key: the application refused this one, make another\n"
	"  --bsf URL                        BSF (default http://NAME/, NAME from the IMSI by TS 23.003 16.2)\n"
	"  --connect-to HOST:PORT:ADDR:PORT where to connect instead, as in curl; repeatable\n"
	"  --timeout SECONDS                for one request (default 15); with --agent for an answer of it, too (default 300)\n"
	"  --output FILE                    the page of 'get' octet for octet in FILE; without it, it goes to standard\n"
	"                                   output, where what could steer a terminal is written as \\xNN\n"
	"  --ca FILE                        with https: whose certificates are believed (those of the system)\n"
	"  --write FILE                     with discover: make this configuration of gba-ued for the card of -c\n"
	"  --json                           result as one JSON object, also of what fails\n"
	"  -v                               each HTTP message on stderr, digests masked\n"
	"  -V, -h                           version, this text\n"
	"exit code: 0 done; 1 refused by the network or the server; 2 usage or local files; 3 the network could not\n"
	"prove itself, or gave a key that cannot be right; 4 not reached or busy, try again later\n";

#define TIMEOUT_S 15
#define AGENT_S   300 /* it may ask its user first, and its BSF several times */

struct options {
	const char *card, *bsf, *agent, *command, *url, *naf, *output, *refused, *ca, *write;
	char **words;
	int n_words;
	uint8_t ua_id[GBA_UE_UA_ID_LEN];
	bool has_ua_id, has_card;
	const char *connect_to[CONNECT_TO_MAX];
	size_t n_connect_to;
	long timeout_s; /* 0: not given */
	bool json, trace;
};

enum {
	OPT_BSF = 256,
	OPT_CONNECT_TO,
	OPT_TIMEOUT,
	OPT_OUTPUT,
	OPT_JSON,
	OPT_AGENT,
	OPT_UA_ID,
	OPT_REFUSED,
	OPT_CA,
	OPT_WRITE
};

static const struct option longopts[] = {
	{ "card", required_argument, NULL, 'c' },
	{ "agent", required_argument, NULL, OPT_AGENT },
	{ "ua-id", required_argument, NULL, OPT_UA_ID },
	{ "refused", required_argument, NULL, OPT_REFUSED },
	{ "bsf", required_argument, NULL, OPT_BSF },
	{ "connect-to", required_argument, NULL, OPT_CONNECT_TO },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "output", required_argument, NULL, OPT_OUTPUT },
	{ "ca", required_argument, NULL, OPT_CA },
	{ "write", required_argument, NULL, OPT_WRITE },
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

/* \param[in] tls it may be of https, too. \returns -1 a URL this program can open */
static int check_url(const struct options *o, const char *url, bool tls)
{
	char *host = NULL, *target = NULL;
	struct err err = { "" };
	int rc = http_url_split_tls(url, tls ? &(bool){ false } : NULL, &host, &target, &err);

	free(host);
	free(target);
	return rc < 0 ? bad(o, err.text, NULL) : -1;
}

static bool is_https(const struct options *o)
{
	return strcmp(o->command, "discover") == 0 || (o->url && strncasecmp(o->url, "https:", 6) == 0);
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
	if (!http_url_connect_to(optarg))
		return bad(o, "--connect-to: allowed is HOST:PORT:ADDR:PORT", optarg);
	o->connect_to[o->n_connect_to++] = optarg;
	return -1;
}

static int set_ua_id(struct options *o)
{
	o->has_ua_id = strlen(optarg) == 2 * GBA_UE_UA_ID_LEN &&
		       hex_decode(o->ua_id, sizeof(o->ua_id), optarg, strlen(optarg)) == GBA_UE_UA_ID_LEN;
	return o->has_ua_id ? -1 : bad(o, "--ua-id: allowed is 10 hexadecimal digits", optarg);
}

/* \returns -1 go on, else the exit code */
static int option(struct options *o, int c, const char *word)
{
	switch (c) {
	case 'c':
		o->card = optarg;
		o->has_card = true;
		return -1;
	case OPT_AGENT:
		o->agent = optarg;
		return -1;
	case OPT_UA_ID:
		return set_ua_id(o);
	case OPT_REFUSED:
		o->refused = optarg;
		return -1;
	case 'v':
		o->trace = true;
		return -1;
	case OPT_BSF:
		o->bsf = optarg;
		return check_url(o, optarg, false);
	case OPT_CONNECT_TO:
		return add_connect_to(o);
	case OPT_TIMEOUT:
		return set_timeout(o);
	case OPT_OUTPUT:
		o->output = optarg;
		return -1;
	case OPT_CA:
		o->ca = optarg;
		return -1;
	case OPT_WRITE:
		o->write = optarg;
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

/* What stands behind a command. */
static const struct {
	const char *name, *word; /* word: the one it needs; NULL none */
	bool agent, card;        /* is there with an agent, with a card of one's own */
} commands[] = {
	{ "bootstrap", NULL, true, true },    { "get", "a URL", true, true },  { "key", "a host name", true, true },
	{ "status", NULL, false, true },      { "forget", NULL, false, true }, { "ask", "a word", true, false },
	{ "discover", "a URL", false, true }, { "apps", "a URL", true, true },
};

/* \returns -1: these options go with this command */
static int check_options(const struct options *o, bool agent, bool card)
{
	if (o->agent ? !agent : !card)
		return bad(o, o->agent ? "not with --agent" : "only with --agent", o->command);
	if (o->agent && (o->has_card || o->bsf))
		return bad(o, "-c and --bsf are not for --agent: the card is gba-ued's", NULL);
	if (o->output && strcmp(o->command, "get") != 0)
		return bad(o, "--output: only with get", NULL);
	if ((o->has_ua_id || o->refused) && !o->naf)
		return bad(o, "--ua-id and --refused: only with key", NULL);
	if (o->write && strcmp(o->command, "discover") != 0)
		return bad(o, "--write: only with discover", NULL);
	if (o->ca && !is_https(o))
		return bad(o, "--ca: only with discover, and get and apps of https://", NULL);
	return o->url ? check_url(o, o->url, true) : -1;
}

static int parse_command(struct options *o, char **words, int n)
{
	const size_t known = sizeof(commands) / sizeof(commands[0]);
	size_t i = 0;
	int most;

	if (n == 0)
		return bad(o, "a command is needed: bootstrap, get, key, status, forget, discover, apps or ask", NULL);
	while (i < known && strcmp(words[0], commands[i].name) != 0)
		i++;
	if (i == known)
		return bad(o, "unknown command", words[0]);
	o->command = commands[i].name;
	if (commands[i].word && n < 2) {
		char text[64];

		snprintf(text, sizeof(text), "%s: %s is needed", o->command, commands[i].word);
		return bad(o, text, NULL);
	}
	most = strcmp(o->command, "ask") == 0 ? n : commands[i].word ? 2 : 1;
	if (n > most)
		return bad(o, "too many words", words[most]);
	o->words = words + 1;
	o->n_words = n - 1;
	o->url = strcmp(o->command, "get") == 0 || strcmp(o->command, "apps") == 0 ? words[1] : NULL;
	o->naf = strcmp(o->command, "key") == 0 ? words[1] : NULL;
	return check_options(o, commands[i].agent, commands[i].card);
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

static enum ue_cause get(const struct options *o, struct ua_client *c, struct err *err)
{
	struct ua_result result;
	enum ue_cause rc = ua_client_get(c, o->url, &result, err);
	long status = result.answer.status;

	if (rc == UE_CAUSE_ok && o->output && write_page(o->output, &result.answer, err) < 0)
		rc = UE_CAUSE_local;
	if (rc != UE_CAUSE_ok) {
		report_error(o->json, rc, &c->trail, err->text);
	} else {
		rc = status < 400 ? UE_CAUSE_ok : ue_cause_of_status(status);
		report_get(o->json, o->url, gba_ue_token_at(c->ue, 0), &c->trail, &result, rc, !o->output);
	}
	ua_result_clear(&result);
	return rc;
}

static enum ue_cause list_apps(const struct options *o, struct ua_client *c, struct err *err)
{
	struct ua_result result;
	enum ue_cause rc = ua_client_get(c, o->url, &result, err);
	const struct http_answer *a = &result.answer;
	json_t *apps = NULL;

	if (rc == UE_CAUSE_ok && a->status != 200) {
		rc = ue_cause_of_status(a->status);
		err_set(err, -EACCES, "%s: HTTP %ld%s", o->url, a->status,
			a->status == 403 ? ": nothing is granted to this device, or nobody knows it there" : "");
	} else if (rc == UE_CAUSE_ok && !result.answer_proved) {
		rc = UE_CAUSE_rspauth;
		err_set(err, -EKEYREJECTED, "%s: the answer is not proved: it may be anybody's", o->url);
	} else if (rc == UE_CAUSE_ok) {
		apps = apps_parse(a->body, a->body_len, err);
		rc = apps ? UE_CAUSE_ok : UE_CAUSE_answer;
	}
	if (apps)
		report_apps(o->json, o->url, gba_ue_token_at(c->ue, 0), &c->trail, apps);
	else
		report_error(o->json, rc, &c->trail, err->text);
	json_decref(apps);
	ua_result_clear(&result);
	return rc;
}

/* With a name: the key with this application. Without: a run. */
static enum ue_cause ask_key(const struct options *o, struct ua_client *c)
{
	struct gba_ue_request *q = gba_ue_start(c->ue, GBA_UE_APP_ANY, o->naf, o->has_ua_id ? o->ua_id : NULL,
						!o->naf || o->refused, o->refused);
	struct err err = { "" };
	enum ue_cause rc = ua_client_wait(c, q, &err);
	struct gba_ue_key *key;

	c->trail.status = gba_ue_status(q);
	snprintf(c->trail.run, sizeof(c->trail.run), "%s", gba_ue_run(q));
	if (rc != UE_CAUSE_ok)
		report_error(o->json, rc, &c->trail, err.text);
	gba_ue_finish(q, &key);
	if (rc == UE_CAUSE_ok && o->naf)
		report_key(o->json, key, &c->trail);
	else if (rc == UE_CAUSE_ok)
		report_token(o->json, "bootstrapped", gba_ue_token_at(c->ue, 0), key, &c->trail);
	gba_ue_key_free(key);
	return rc;
}

static enum ue_cause forget(const struct options *o, struct ua_client *c)
{
	if (gba_ue_drop(c->ue, REALM, true) == 0)
		return UE_CAUSE_ok;
	report_error(o->json, UE_CAUSE_local, &c->trail, "the keys could not be deleted");
	return UE_CAUSE_local;
}

/* The command, with everything open; tells what came of it. */
static enum ue_cause act(const struct options *o, struct ua_client *c, struct err *err)
{
	const struct gba_ue_token *t;
	enum ue_cause rc;

	if (strcmp(o->command, "apps") == 0)
		return list_apps(o, c, err);
	if (o->url)
		return get(o, c, err);
	if (o->naf || strcmp(o->command, "bootstrap") == 0)
		return ask_key(o, c);
	rc = strcmp(o->command, "forget") == 0 ? forget(o, c) : UE_CAUSE_ok;
	t = gba_ue_token_at(c->ue, 0);
	if (rc == UE_CAUSE_ok)
		report_token(o->json, t->key ? "key" : "no key", t, NULL, &c->trail);
	return rc;
}

static struct gba_ue *open_device(const struct options *o, struct err *err)
{
	struct gba_ue_config cfg;
	const struct gba_ue_token *t;
	struct gba_ue *ue;

	if (o->agent)
		return gba_ue_new_agent(o->agent, err->text, sizeof(err->text));
	gba_ue_config_init(&cfg);
	cfg.connect_to = o->connect_to;
	cfg.n_connect_to = o->n_connect_to;
	cfg.timeout_s = o->timeout_s ? (unsigned)o->timeout_s : TIMEOUT_S;
	cfg.trace = o->trace;
	ue = gba_ue_new(&cfg, err->text, sizeof(err->text));
	if (!ue || gba_ue_realm_add(ue, REALM, o->card, o->bsf, NULL, err->text, sizeof(err->text)) < 0) {
		gba_ue_free(ue);
		return NULL;
	}
	t = gba_ue_token_at(ue, 0);
	if (t->card)
		return ue;
	err_set(err, 0, "%s", t->why);
	gba_ue_free(ue);
	return NULL;
}

static enum ue_cause tell_realm(const struct options *o, const struct http_get_cfg *http)
{
	struct discover_wish w = { o->words[0], o->card, o->write, *http, o->json };

	return discover(&w);
}

/* \returns false and the reason in err: nothing has been told yet */
static bool run(const struct options *o, enum ue_cause *cause, struct err *err)
{
	const struct http_get_cfg http_cfg = { .connect_to = o->connect_to,
					       .n_connect_to = o->n_connect_to,
					       .trace = o->trace,
					       .https = is_https(o),
					       .ca = o->ca,
					       .timeout_s = o->timeout_s ? o->timeout_s : TIMEOUT_S };
	struct ua_client c = { .wait_s = !o->agent ? 0 : o->timeout_s ? (int)o->timeout_s : AGENT_S };

	if (strcmp(o->command, "discover") == 0) {
		*cause = tell_realm(o, &http_cfg);
		return true;
	}
	if (strcmp(o->command, "ask") == 0)
		return agent_line(o->agent, c.wait_s, o->words, o->n_words, cause, err) == 0;
	c.ue = open_device(o, err);
	c.http = c.ue ? http_get_new(&http_cfg, err) : NULL;
	if (c.http)
		*cause = act(o, &c, err);
	http_get_free(c.http);
	gba_ue_free(c.ue);
	return c.http != NULL;
}

int main(int argc, char **argv)
{
	struct options o = { .card = "usim-1.cfg" };
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
