/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-naf: what a NAF does, from the command line. Keys are shown as fingerprints; one leaves only into a file of
 * mode 0600. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "common/base/b64.h"
#include "common/base/hex.h"
#include "common/base/visible.h"
#include "common/gba/run_id.h"
#include "tools/zn_ask.h"
#include "tools/zn_report.h"

#define KEY_LEN   32
#define KEY_CHARS B64_LEN(KEY_LEN)

static const char usage[] =
	"usage: gba-naf bir B-TID --naf FQDN --ua ID [options]   ask the BSF for a key (Zn)\n"
	"       gba-naf curl-config B-TID FILE                   B-TID and the key in FILE (-: standard input) as\n"
	"                                                        curl reads them: ... | curl --digest -K - URL\n"
	"options of bir:\n"
	"  --naf FQDN             the name the device uses for the NAF\n"
	"  --ua ID                Ua security protocol, 10 hex digits (0100000002: HTTP Digest)\n"
	"  --gsid N               ask for this user security setting; repeatable\n"
	"  --gba-u                say that the NAF knows GBA_U, so that Ks_int_NAF comes too\n"
	"  --bsf HOST[:PORT]      (127.0.0.1:3868)\n"
	"  --bsf-identity NAME    Diameter identity of the BSF (bsf.mnc001.mcc001.3gppnetwork.org)\n"
	"  --peer NAME            Diameter identity of who is at --bsf, if that is a relay (the BSF)\n"
	"  --no-destination-host  the relay knows which BSF: only Destination-Realm\n"
	"  --bsf-realm NAME       its Diameter realm (mnc001.mcc001.3gppnetwork.org)\n"
	"  --bsf-realm-from-btid  Destination-Realm is the domain of the B-TID, no Destination-Host\n"
	"  --identity NAME        ours (gba-naf.example.com); one connection per identity\n"
	"  --realm NAME           ours (example.com)\n"
	"  --certificate FILE     ours, in PEM: TLS, then to port 5868; with --key and --ca\n"
	"  --key FILE             its private key, in a file of mode 0600\n"
	"  --ca FILE              CAs that certify who is at --bsf\n"
	"  --tls-name NAME        host name its certificate is for (its Diameter identity)\n"
	"  --tls-cn               its CN counts if it has no dNSName\n"
	"  --plain                no TLS although --bsf is another host\n"
	"  --timeout MS           for the connection, and for the answer (5000)\n"
	"  --show-key-to FILE     write the key in base64, the password of HTTP Digest, to a new file of mode 0600\n"
	"  --json                 result as one JSON object, also of what fails\n"
	"  -v                     what the Diameter node tells, on stderr\n"
	"  -V, -h                 version, this text\n"
	"exit code: 0 key given; 1 refused; 2 usage or local files; 3 B-TID unknown or over, the device must bootstrap\n"
	"again; 4 not reached, busy or no answer, try again later\n";

enum { EXIT_GIVEN, EXIT_REFUSED, EXIT_USAGE, EXIT_UNKNOWN, EXIT_LATER };

/*! What can end a command: a word for programs, and the exit code. */
enum naf_end {
	GIVEN,
	NOT_UNDERSTOOD,
	LOCAL,
	REFUSED,
	NO_KEY,
	UNREADABLE,
	BTID_UNKNOWN,
	NOT_CONNECTED,
	NO_ANSWER,
	BUSY
};
static const struct {
	const char *name;
	int exit;
} ends[] = {
	[GIVEN] = { "ok", EXIT_GIVEN },
	[NOT_UNDERSTOOD] = { "usage", EXIT_USAGE },
	[LOCAL] = { "local", EXIT_USAGE }, /* this machine: files, memory */
	[REFUSED] = { "refused", EXIT_REFUSED },
	[NO_KEY] = { "no_key", EXIT_REFUSED }, /* success, and no key of 32 octets */
	[UNREADABLE] = { "unreadable", EXIT_REFUSED },
	[BTID_UNKNOWN] = { "btid_unknown", EXIT_UNKNOWN },
	[NOT_CONNECTED] = { "not_connected", EXIT_LATER },
	[NO_ANSWER] = { "no_answer", EXIT_LATER },
	[BUSY] = { "later", EXIT_LATER }, /* result codes 3xxx */
};

struct options {
	struct zn_ask ask;
	const char *naf, *ua, *key_file;
	bool realm_from_btid, json;
	char run[RUN_ID_LEN + 1]; /* of the B-TID; "" if it is none */
};

static int told(const struct options *o, enum naf_end end, const char *reason)
{
	zn_report_error(o->json, ends[end].name, o->run, reason);
	return ends[end].exit;
}

static int bad(const struct options *o, const char *reason, const char *what)
{
	char text[ERR_MAX];

	snprintf(text, sizeof(text), "%s%s%s; gba-naf --help tells what is allowed", reason, *what ? ": " : "", what);
	return told(o, NOT_UNDERSTOOD, text);
}

static int local(const struct options *o, const char *reason, const char *what)
{
	char text[ERR_MAX];

	snprintf(text, sizeof(text), "%s: %s", what, reason);
	return told(o, LOCAL, text);
}

static void gba_naf_on_log(const char *text)
{
	visible_print(stderr, text, strlen(text), false);
	fputc('\n', stderr);
}

static int add_gsid(struct options *o, const char *text)
{
	struct zn_ask *ask = &o->ask;

	if (ask->n_gsids == ZN_GSIDS_MAX)
		return bad(o, "too many --gsid", "");
	if (!*text || strspn(text, "0123456789") != strlen(text) ||
	    span_to_str(ask->gsids[ask->n_gsids], ZN_GSID_MAX + 1, span_str(text)) < 0)
		return bad(o, "--gsid wants a number", text);
	ask->n_gsids++;
	return -1;
}

enum {
	NAF = 256,
	UA,
	GSID,
	GBA_U,
	BSF,
	BSF_IDENTITY,
	BSF_REALM,
	FROM_BTID,
	IDENTITY,
	REALM,
	TIMEOUT,
	KEY_TO,
	JSON,
	PEER,
	NO_HOST,
	CERTIFICATE,
	KEY,
	CA,
	TLS_NAME,
	TLS_CN,
	PLAIN
};

/*! The texts that are only kept. */
static const char **text_of(struct options *o, int opt)
{
	const struct {
		int opt;
		const char **to;
	} rows[] = {
		{ NAF, &o->naf },
		{ UA, &o->ua },
		{ BSF, &o->ask.bsf_address },
		{ PEER, &o->ask.peer },
		{ BSF_IDENTITY, &o->ask.bsf_identity },
		{ BSF_REALM, &o->ask.bsf_realm },
		{ IDENTITY, &o->ask.identity },
		{ REALM, &o->ask.realm },
		{ KEY_TO, &o->key_file },
		{ CERTIFICATE, &o->ask.tls.certificate },
		{ KEY, &o->ask.tls.key },
		{ CA, &o->ask.tls.ca },
		{ TLS_NAME, &o->ask.tls.name },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].opt == opt)
			return rows[i].to;
	}
	return NULL;
}

static int set_timeout(struct options *o)
{
	size_t digits = strspn(optarg, "0123456789");

	o->ask.timeout_ms = digits && digits < 7 && !optarg[digits] ? (unsigned)strtoul(optarg, NULL, 10) : 0;
	return !o->ask.timeout_ms || o->ask.timeout_ms > 600000 ? bad(o, "--timeout: allowed is 1..600000", optarg)
								: -1;
}

/*! \returns -1 go on, else the exit code */
static int option(struct options *o, int opt, const char *word)
{
	const char **text = text_of(o, opt);

	if (text) {
		*text = optarg;
		return -1;
	}
	switch (opt) {
	case GSID:
		return add_gsid(o, optarg);
	case GBA_U:
		o->ask.gba_u_aware = true;
		return -1;
	case FROM_BTID:
		o->realm_from_btid = o->ask.no_dest_host = true;
		return -1;
	case NO_HOST:
		o->ask.no_dest_host = true;
		return -1;
	case TLS_CN:
		o->ask.tls.cn = true;
		return -1;
	case PLAIN:
		o->ask.tls.plain = true;
		return -1;
	case TIMEOUT:
		return set_timeout(o);
	case JSON:
		return -1;
	case 'v':
		o->ask.log = gba_naf_on_log;
		return -1;
	case 'V':
		puts("gba-naf " PACKAGE_VERSION);
		return EXIT_GIVEN;
	case 'h':
		fputs(usage, stdout);
		return EXIT_GIVEN;
	default:
		return bad(o, opt == ':' ? "an option lacks its value" : "unknown option", word);
	}
}

/*! Also what is wrong before it is told as JSON. */
static bool wants_json(char **argv)
{
	for (argv++; *argv && strcmp(*argv, "--") != 0; argv++) {
		if (strcmp(*argv, "--json") == 0)
			return true;
	}
	return false;
}

static int gba_naf_parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "naf", 1, NULL, NAF },
		{ "ua", 1, NULL, UA },
		{ "gsid", 1, NULL, GSID },
		{ "gba-u", 0, NULL, GBA_U },
		{ "bsf", 1, NULL, BSF },
		{ "bsf-identity", 1, NULL, BSF_IDENTITY },
		{ "peer", 1, NULL, PEER },
		{ "no-destination-host", 0, NULL, NO_HOST },
		{ "bsf-realm", 1, NULL, BSF_REALM },
		{ "bsf-realm-from-btid", 0, NULL, FROM_BTID },
		{ "identity", 1, NULL, IDENTITY },
		{ "realm", 1, NULL, REALM },
		{ "certificate", 1, NULL, CERTIFICATE },
		{ "key", 1, NULL, KEY },
		{ "ca", 1, NULL, CA },
		{ "tls-name", 1, NULL, TLS_NAME },
		{ "tls-cn", 0, NULL, TLS_CN },
		{ "plain", 0, NULL, PLAIN },
		{ "timeout", 1, NULL, TIMEOUT },
		{ "show-key-to", 1, NULL, KEY_TO },
		{ "json", 0, NULL, JSON },
		{ "version", 0, NULL, 'V' },
		{ "help", 0, NULL, 'h' },
		{ 0 },
	};
	int c, rc;

	o->json = wants_json(argv);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":vVh", longs, NULL)) != -1) {
		rc = option(o, c, argv[optind - 1]);
		if (rc >= 0)
			return rc;
	}
	return -1;
}

/*! \returns -1, else the exit code */
static int check_names(const struct options *o)
{
	const struct {
		const char *option, *value;
	} rows[] = {
		{ "--bsf-identity wants a DNS name", o->ask.bsf_identity },
		{ "--peer wants a DNS name", o->ask.peer ? o->ask.peer : o->ask.bsf_identity },
		{ "--bsf-realm wants a DNS name", o->ask.bsf_realm },
		{ "--identity wants a DNS name", o->ask.identity },
		{ "--realm wants a DNS name", o->ask.realm },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!fqdn_valid(span_str(rows[i].value), 255))
			return bad(o, rows[i].option, rows[i].value);
	}
	return -1;
}

/*! \returns -1, else the exit code */
static int gba_naf_complete(struct options *o)
{
	static struct btid btid;
	bool is_btid = btid_parse(&btid, (const uint8_t *)o->ask.btid, strlen(o->ask.btid)) == 0;
	uint8_t ua[UA_ID_LEN];

	if (is_btid)
		run_id(o->run, btid.rand);
	if (!o->naf || !o->ua)
		return bad(o, "bir needs --naf FQDN and --ua ID", "");
	if (hex_decode(ua, sizeof(ua), o->ua, strlen(o->ua)) != UA_ID_LEN)
		return bad(o, "--ua wants 10 hex digits", o->ua);
	if (naf_id_make(&o->ask.naf_id, o->naf, ua) < 0)
		return bad(o, "--naf wants a DNS name", o->naf);
	if (o->realm_from_btid && !is_btid)
		return bad(o, "no domain in this B-TID", o->ask.btid);
	if (o->realm_from_btid)
		o->ask.dest_realm = btid.domain;
	return check_names(o);
}

/*! Never over a file that is there: it might be readable, or a link. */
static int write_key(const struct options *o, const char *path, const struct secret *key)
{
	char text[KEY_CHARS + 2];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? -errno : 0;

	if (fd >= 0) {
		b64_encode(text, sizeof(text), key->b, key->len);
		strcat(text, "\n");
		if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fsync(fd) < 0)
			rc = errno ? -errno : -EIO;
		OPENSSL_cleanse(text, sizeof(text));
		close(fd);
	}
	return rc < 0 ? local(o, strerror(-rc), path) : EXIT_GIVEN;
}

static enum naf_end end_of(const struct zn_bia *bia)
{
	const struct result *r = &bia->result;

	if (!r->experimental && r->code == RESULT_SUCCESS)
		return bia->me_key.len == KEY_LEN || (!bia->me_key.len && bia->uicc_key.len == KEY_LEN) ? GIVEN
													: NO_KEY;
	if (r->experimental && r->vendor == RESULT_VENDOR_3GPP && r->code == RESULT_X_TRANSACTION_INVALID)
		return BTID_UNKNOWN;
	return !r->experimental && r->code / 1000 == 3 ? BUSY : REFUSED;
}

/*! What zn_ask() returned. */
static enum naf_end end_of_error(int rc)
{
	switch (rc) {
	case -EINVAL:
		return NOT_UNDERSTOOD;
	case -EBADMSG:
		return UNREADABLE;
	case -EHOSTDOWN:
		return NOT_CONNECTED;
	case -ETIMEDOUT:
		return NO_ANSWER;
	default:
		return LOCAL;
	}
}

static int bir(struct options *o)
{
	struct zn_bia bia = { 0 };
	struct err err = { "" };
	int rc = gba_naf_complete(o);
	enum naf_end end;

	if (rc >= 0)
		return rc;
	rc = zn_ask(&bia, &o->ask, &err);
	if (rc < 0)
		return told(o, end_of_error(rc), err.text);
	end = end_of(&bia);
	zn_report(o->json, &bia, ends[end].name, o->run);
	rc = ends[end].exit;
	if (end == GIVEN && o->key_file)
		rc = write_key(o, o->key_file, bia.me_key.len ? &bia.me_key : &bia.uicc_key); /* of `keys uicc` */
	zn_bia_clear(&bia);
	return rc;
}

/*! Base64 of 32 octets and perhaps a newline. */
static int gba_naf_read_key(FILE *f, char out[KEY_CHARS + 1])
{
	SECRET_AUTO key = { .len = KEY_LEN };
	char line[KEY_CHARS + 3] = "";
	int rc = -EBADMSG;

	setbuf(f, NULL); /* no second copy of the key */
	if (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (b64_decode(key.b, KEY_LEN, line, strlen(line)) == KEY_LEN) {
			memcpy(out, line, KEY_CHARS + 1);
			rc = 0;
		}
	}
	OPENSSL_cleanse(line, sizeof(line));
	return rc;
}

static int curl_config(const struct options *o, const char *btid, const char *path)
{
	struct btid parsed;
	char key[KEY_CHARS + 1], line[BTID_MAX + KEY_CHARS + 16];
	bool written;
	FILE *f;
	int rc;

	if (btid_parse(&parsed, (const uint8_t *)btid, strlen(btid)) <
	    0) /* also: nothing in it that curl would read otherwise */
		return bad(o, "no B-TID", btid);
	f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (!f)
		return local(o, strerror(errno), path);
	rc = gba_naf_read_key(f, key);
	if (f != stdin)
		fclose(f);
	if (rc < 0)
		return local(o, "no key, which is base64 of 32 octets", path);
	snprintf(line, sizeof(line), "user = \"%s:%s\"\n", btid, key);
	OPENSSL_cleanse(key, sizeof(key));
	/* not printf(): what it formats into is not ours to wipe */
	written = write(STDOUT_FILENO, line, strlen(line)) == (ssize_t)strlen(line);
	OPENSSL_cleanse(line, sizeof(line));
	return written ? EXIT_GIVEN : local(o, strerror(errno), "standard output");
}

int main(int argc, char **argv)
{
	struct options o = {
		.ask = {
			.identity = "gba-naf.example.com",
			.realm = "example.com",
			.bsf_address = "127.0.0.1:3868",
			.bsf_identity = "bsf.mnc001.mcc001.3gppnetwork.org",
			.bsf_realm = "mnc001.mcc001.3gppnetwork.org",
			.timeout_ms = 5000,
		},
	};
	int rc;

	secret_harden_process();
	if (!OSSL_LIB_CTX_get0_global_default()) { /* it would end us where it is used */
		fprintf(stderr, "gba-naf: no memory for libcrypto\n");
		return 1;
	}
	rc = gba_naf_parse(&o, argc, argv);
	if (rc >= 0)
		return rc;
	argc -= optind;
	argv += optind;
	if (argc == 3 && strcmp(argv[0], "curl-config") == 0)
		return curl_config(&o, argv[1], argv[2]);
	if (argc == 2 && strcmp(argv[0], "bir") == 0) {
		o.ask.btid = argv[1];
		return bir(&o);
	}
	return bad(&o, "wanted: bir B-TID, or curl-config B-TID FILE", "");
}
