/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A NAF's configuration as a file: each word, each fault with its line and what is allowed. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "naf-lib/naf_conf.h"
#include "tests/unit/suite.h"

#define NEEDED \
	"name video.example.com\nbsf-name bsf.example.org\nidentity video.example.com\nrealm example.com\nbsf 127.0.0.1\n" \
	"bsf-realm example.org\n"

START_TEST(whole)
{
	char text[] =
		NEEDED "# a comment\n\n name  www.example.com \t\nbsf-identity bsf.op.org\npeer relay.op.org\n"
		       "realm-from-btid yes\ncertificate c.pem\nkey k.pem\nca ca.pem\ntls-name t.op.org\nplain no\n"
		       "ua 010001c02f\ngsid 7\ngsid 8\nalgorithms both\nqop auth-int\nkeys card\nslash-optional yes\n"
		       "recheck 0\nrefusal 1\nkey-age-max 3600\nrenew 300\ndeadline 50\ncache-keys 9";
	static const uint8_t ua[] = { 1, 0, 1, 0xc0, 0x2f };
	struct naf_conf c;

	ck_assert_int_eq(naf_conf_parse(&c, text, NULL), 0);
	ck_assert_uint_eq(c.cfg.n_names, 2);
	ck_assert_str_eq(c.cfg.names[1], "www.example.com");
	ck_assert_str_eq(c.cfg.bsf_names[0], "bsf.example.org");
	ck_assert_ptr_eq(c.cfg.diameter, &c.bsf);
	ck_assert_str_eq(c.bsf.identity, "video.example.com");
	ck_assert_str_eq(c.bsf.realm, "example.com");
	ck_assert_str_eq(c.bsf.bsf_address, "127.0.0.1");
	ck_assert_str_eq(c.bsf.bsf_identity, "bsf.op.org");
	ck_assert_str_eq(c.bsf.peer, "relay.op.org");
	ck_assert(c.bsf.realm_from_btid && !c.bsf.plain && c.cfg.slash_optional);
	ck_assert_str_eq(c.bsf.certificate, "c.pem");
	ck_assert_str_eq(c.bsf.tls_name, "t.op.org");
	ck_assert_mem_eq(c.cfg.ua_id, ua, sizeof(ua));
	ck_assert_uint_eq(c.cfg.n_gsids, 2);
	ck_assert_str_eq(c.cfg.gsids[1], "8");
	ck_assert_uint_eq(c.cfg.algorithms, GBA_NAF_MD5 | GBA_NAF_SHA256);
	ck_assert_uint_eq(c.cfg.qop, GBA_NAF_AUTH_INT);
	ck_assert_uint_eq(c.cfg.keys, GBA_NAF_KEY_CARD);
	ck_assert_uint_eq(c.cfg.recheck_s, 0);
	ck_assert_uint_eq(c.cfg.renew_s, 300);
	ck_assert_uint_eq(c.cfg.refusal_s, 1);
	ck_assert_uint_eq(c.cfg.deadline_ms, 50);
	ck_assert_uint_eq(c.cfg.cache_keys, 9);
}
END_TEST

START_TEST(defaults)
{
	char text[] = NEEDED;
	struct naf_conf c;

	ck_assert_int_eq(naf_conf_parse(&c, text, NULL), 0);
	ck_assert_uint_eq(c.cfg.recheck_s, 60);
	ck_assert_ptr_null(c.cfg.ua_id);
}
END_TEST

START_TEST(faults)
{
	static const char *const t[][2] = {
		{ "nonsense 1\n", "line 7: there is no 'nonsense'" },
		{ "recheck\n", "line 7: recheck wants one value; allowed: 0 to 86400" },
		{ "recheck 1 2\n", "line 7: recheck wants one value" },
		{ "\nrecheck 86401\n", "line 8: recheck 86401; allowed: 0 to 86400" },
		{ "recheck -1\n", "line 7: recheck -1; allowed" },
		{ "recheck 99999999999999999999\n", "line 7: recheck 9" },
		{ "refusal 0\n", "line 7: refusal 0; allowed: 1 to" },
		{ "recheck 1\nrecheck 1\n", "line 8: 'recheck' a second time" },
		{ "identity a\n", "line 7: 'identity' a second time" },
		{ "qop body\n", "line 7: qop body; allowed: auth, auth-int or both" },
		{ "plain maybe\n", "line 7: plain maybe; allowed: yes or no" },
		{ "ua 01000000\n", "line 7: ua 01000000; allowed: 10 hex digits" },
		{ "ua 010000000x\n", "line 7: ua" },
	};
	static const char *const needed[] = { "name", "bsf-name", "identity", "realm", "bsf", "bsf-realm" };
	struct err err;
	struct naf_conf c;
	char text[1024], many[4096] = NEEDED;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(text, sizeof(text), NEEDED "%s", t[i][0]);
		ck_assert_int_lt(naf_conf_parse(&c, text, &err), 0);
		ck_assert_msg(strncmp(err.text, t[i][1], strlen(t[i][1])) == 0, "%s", err.text);
		ck_assert_ptr_nonnull(strstr(err.text, "allowed: "));
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		char want[64], *line;

		snprintf(text, sizeof(text), "\n" NEEDED);
		snprintf(want, sizeof(want), "\n%s ", needed[i]);
		line = strstr(text, want);
		line[1] = '#';
		ck_assert_int_lt(naf_conf_parse(&c, text, &err), 0);
		snprintf(want, sizeof(want), "there is no line '%s'; allowed: ", needed[i]);
		ck_assert_msg(strncmp(err.text, want, strlen(want)) == 0, "%s", err.text);
	}
	for (unsigned i = 0; i < 33; i++)
		strcat(many, "gsid 1\n");
	ck_assert_int_lt(naf_conf_parse(&c, many, &err), 0);
	ck_assert_str_eq(err.text, "line 39: too many of 'gsid'; allowed: 32");
}
END_TEST

static void write_file(const char *name, const char *text, size_t len)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	fclose(f);
}

/* Files are named beside it; what is wrong is said with the name of the file; and what it says makes a context */
START_TEST(file)
{
	char folder[] = "/tmp/naf_conf_test.XXXXXX", name[64], want[80], err[256];
	struct gba_naf_config *c;
	struct gba_naf *naf;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(name, sizeof(name), "%s/naf.conf", folder);
	ck_assert_ptr_null(gba_naf_config_read(name, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, "naf.conf: No such file"));
	ck_assert_ptr_null(gba_naf_config_read(NULL, NULL, 0));
	ck_assert_int_eq(mkfifo(name, 0600), 0); /* nobody waits for who writes into it */
	ck_assert_ptr_null(gba_naf_config_read(name, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, "naf.conf: is no regular file"));
	unlink(name);
	write_file(name, "plain\n", 6);
	ck_assert_ptr_null(gba_naf_config_read(name, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, "naf.conf: line 1: plain wants one value"));
	write_file(name, NEEDED "\0", sizeof(NEEDED));
	ck_assert_ptr_null(gba_naf_config_read(name, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, "no text of at most"));
	write_file(name, NEEDED "ca ca.pem\nkey /k\n", strlen(NEEDED "ca ca.pem\nkey /k\n"));
	c = gba_naf_config_read(name, err, sizeof(err));
	ck_assert_ptr_nonnull(c);
	snprintf(want, sizeof(want), "%s/ca.pem", folder);
	ck_assert_str_eq(c->diameter->ca, want);
	ck_assert_str_eq(c->diameter->key, "/k");
	gba_naf_config_free(c);
	write_file(name, NEEDED "ua 0100000009\nbsf-identity b.org\n",
		   strlen(NEEDED "ua 0100000009\nbsf-identity b.org\n"));
	c = gba_naf_config_read(name, err, sizeof(err));
	ck_assert_ptr_nonnull(c);
	((struct gba_naf_diameter *)c->diameter)->connect_later = true;
	naf = gba_naf_new(c, err, sizeof(err));
	gba_naf_config_free(c);
	ck_assert_msg(naf != NULL, "%s", err);
	ck_assert_int_eq(naf->ua[4], 9);
	gba_naf_free(naf);
	gba_naf_config_free(NULL);
	unlink(name);
	rmdir(folder);
}
END_TEST

SUITE("naf_conf", whole, defaults, faults, file)
