/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dia_cert: which files make a context and which words the others get; which names a certificate has; the word of a failed
 * handshake at both ends. */
#include "common/dia/dia_cert.h"
#include "common/dia/dia_cover.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/err.h>

#include "tests/unit/pki_made.h"
#include "tests/unit/suite.h"

#define DNS(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

static char dir[] = "/tmp/dia_cert.XXXXXX";
static struct pki_ca ca, other_ca;

static void make(const char *name, const struct pki_ca *by, const struct span *names, size_t n)
{
	const struct pki_wish w = { .ca = by, .cn = "cn.op.example", .names = names, .n_names = n };

	pki_make(dir, name, &w);
}

static void setup(void)
{
	static const struct span bsf[] = { DNS("bsf.op.example") };
	static const struct span naf[] = { DNS("naf.op.example"), DNS("Also.op.example"), DNS("*.apps.op.example") };
	static const struct span nul[] = { DNS("naf.op.example\0.evil.example"), DNS("end.op.example\0") };
	static const struct span wild[] = { DNS("*.example"), DNS("*"), DNS("f*o.op.example"), DNS("*.*.op.example"),
					    DNS("f*.op.example") };

	ck_assert_ptr_nonnull(mkdtemp(dir));
	pki_ca_make(&ca, "ca");
	pki_ca_make(&other_ca, "other ca");
	pki_ca_save(dir, "ca", &ca);
	pki_ca_save(dir, "other_ca", &other_ca);
	make("bsf", &ca, bsf, 1);
	make("naf", &ca, naf, 3);
	make("foreign", &other_ca, naf, 1);
	make("self", NULL, naf, 1);
	make("nul", &ca, nul, 2);
	make("wild", &ca, wild, 5);
	make("cn", &ca, NULL, 0);
}

static void teardown(void)
{
	char command[64];

	pki_ca_clear(&ca);
	pki_ca_clear(&other_ca);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static SSL_CTX *load(const char *cert, const char *key, const char *trusted, const char *name, struct err *err)
{
	char c[64], k[64], t[64];
	const struct dia_cert_conf conf = { .certificate = c, .key = k, .ca = t, .name = name };

	snprintf(c, sizeof(c), "%s/%s.pem", dir, cert);
	snprintf(k, sizeof(k), "%s/%s.key", dir, key);
	snprintf(t, sizeof(t), "%s/%s.pem", dir, trusted);
	return dia_cert_new(&conf, err);
}

static SSL_CTX *good(const char *cert)
{
	struct err err = { "" };
	SSL_CTX *c = load(cert, cert, "ca", NULL, &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	return c;
}

static void bad(const char *cert, const char *key, const char *trusted, const char *name, const char *word)
{
	struct err err = { "" };

	ck_assert_ptr_null(load(cert, key, trusted, name, &err));
	ck_assert_msg(strstr(err.text, word) != NULL, "%s: %s", word, err.text);
	ck_assert_msg(strncmp(err.text, dir, strlen(dir)) == 0, "no path: %s", err.text);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}

/* --- files */

/* 220-E-3: what a certificate must be */
START_TEST(files_that_are_wrong_are_named)
{
	const struct pki_wish old = { .ca = &ca, .cn = "x", .from_s = -7200, .until_s = -3600 };
	const struct pki_wish early = { .ca = &ca, .cn = "x", .from_s = 3600, .until_s = 7200 };
	const struct pki_wish weak = { .ca = &ca, .cn = "x", .rsa_bits = 1024 };
	char path[64];

	pki_make(dir, "old", &old);
	pki_make(dir, "early", &early);
	pki_make(dir, "weak", &weak);
	bad("absent", "bsf", "ca", NULL, "absent.pem: No such file");
	bad("bsf", "absent", "ca", NULL, "absent.key: No such file");
	bad("bsf", "bsf", "absent", NULL, "absent.pem: No such file");
	bad("bsf", "naf", "ca", NULL, "naf.key: is not the key of the certificate in ");
	bad("old", "old", "ca", NULL, "has expired");
	bad("early", "early", "ca", NULL, "not valid yet");
	bad("weak", "weak", "ca", NULL, "too small");
	bad("bsf", "bsf", "ca", "naf.op.example", "is not for naf.op.example");
	snprintf(path, sizeof(path), "%s/naf.key", dir);
	ck_assert_int_eq(chmod(path, 0640), 0);
	bad("naf", "naf", "ca", NULL, "readable or writable by others");
	ck_assert_int_eq(chmod(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/text.pem", dir);
	fclose(fopen(path, "w"));
	bad("text", "bsf", "ca", NULL, "allowed: a certificate in PEM");
	bad("bsf", "bsf", "text", NULL, "allowed: certificates of CAs in PEM");
}
END_TEST

START_TEST(a_key_with_a_passphrase_asks_nobody)
{
	char command[160];

	snprintf(command, sizeof(command),
		 "cd %s && umask 077 && openssl ec -in bsf.key -aes128 -passout pass:x -out locked.key 2>err", dir);
	ck_assert_int_eq(system(command), 0);
	bad("bsf", "locked", "ca", NULL, "locked.key: has a passphrase");
}
END_TEST

START_TEST(the_end_of_our_own)
{
	SSL_CTX *c = good("bsf");
	time_t left = dia_cert_own_expires(c) - time(NULL);

	ck_assert_int_gt(left, 86400 - 60);
	ck_assert_int_le(left, 86400);
	SSL_CTX_free(c);
}
END_TEST

/* --- handshakes */

struct pair {
	int fd[2];
	SSL *s[2]; /* 0: client */
	int rc[2];
	char why[2][DIA_CERT_WHY];
};

static bool again(SSL *s, int rc)
{
	int e = SSL_get_error(s, rc);

	return rc <= 0 && (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE);
}

/* One end: its handshake, then a read, as the client of TLS 1.3 hears its refusal only there. */
static bool step(struct pair *p, int i)
{
	char b[8];

	if (p->why[i][0])
		return false;
	errno = 0;
	p->rc[i] = SSL_do_handshake(p->s[i]);
	if (p->rc[i] == 1 && (!p->s[1 - i] || SSL_is_init_finished(p->s[1 - i]))) {
		p->rc[i] = SSL_read(p->s[i], b, sizeof(b));
		if (again(p->s[i], p->rc[i]))
			return false;
	}
	if (p->rc[i] == 1 || again(p->s[i], p->rc[i]))
		return true;
	dia_cert_why(p->why[i], sizeof(p->why[i]), p->s[i], p->rc[i]);
	SSL_free(p->s[i]);
	p->s[i] = NULL;
	shutdown(p->fd[i], SHUT_WR);
	return true;
}

static void begin(struct pair *p, SSL_CTX *client, SSL_CTX *server)
{
	*p = (struct pair){ 0 };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->fd), 0);
	for (int i = 0; i < 2; i++) {
		p->s[i] = SSL_new(i ? server : client);
		SSL_set_fd(p->s[i], p->fd[i]);
	}
	SSL_set_connect_state(p->s[0]);
	SSL_set_accept_state(p->s[1]);
}

static void run(struct pair *p)
{
	for (int turn = 0; turn < 20; turn++) {
		step(p, 0);
		step(p, 1);
	}
}

static void end(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		SSL_free(p->s[i]);
		close(p->fd[i]);
	}
}

static void fails(SSL_CTX *client, SSL_CTX *server, const char *at_client, const char *at_server)
{
	struct pair p;

	begin(&p, client, server);
	run(&p);
	ck_assert_msg(strstr(p.why[0], at_client) != NULL, "client: %s", p.why[0]);
	ck_assert_msg(strstr(p.why[1], at_server) != NULL, "server: %s", p.why[1]);
	ck_assert_uint_eq(ERR_peek_error(), 0);
	end(&p);
	SSL_CTX_free(client);
	SSL_CTX_free(server);
}

/* One that shows what it should not; trusts ca. */
static SSL_CTX *careless(const char *cert, int max_version)
{
	SSL_CTX *c = SSL_CTX_new(TLS_method());
	char path[64];

	SSL_CTX_set_security_level(c, 0);
	snprintf(path, sizeof(path), "%s/ca.pem", dir);
	ck_assert_int_eq(SSL_CTX_load_verify_file(c, path), 1);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_min_proto_version(c, 0);
	SSL_CTX_set_max_proto_version(c, max_version);
	if (!cert)
		return c;
	snprintf(path, sizeof(path), "%s/%s.pem", dir, cert);
	ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(c, path), 1);
	snprintf(path, sizeof(path), "%s/%s.key", dir, cert);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(c, path, SSL_FILETYPE_PEM), 1);
	return c;
}

static SSL_CTX *named(SSL_CTX *c, int max_version)
{
	SSL_CTX_set_max_proto_version(c, max_version);
	return c;
}

static const int VERSIONS[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* 220-E-1: with TLS 1.2 and 1.3; 220-E-3: its use */
START_TEST(both_ends_say_why)
{
	const struct pki_wish old = { .ca = &ca, .cn = "x", .from_s = -7200, .until_s = -3600 };
	const struct pki_wish early = { .ca = &ca, .cn = "x", .from_s = 3600, .until_s = 7200 };
	const struct pki_wish only = { .ca = &ca, .cn = "x", .usage = "codeSigning" };
	int v = VERSIONS[_i];

	pki_make(dir, "old", &old);
	pki_make(dir, "early", &early);
	pki_make(dir, "only", &only);
	fails(careless("foreign", v), good("bsf"), "alert \"unknown CA\" from it", "its certificate is of another CA");
	fails(careless("self", v), good("bsf"), "alert \"unknown CA\" from it", "its certificate is of another CA");
	fails(careless("old", v), good("bsf"), "alert \"certificate expired\" from it", "has expired");
	fails(careless("early", v), good("bsf"), "alert \"bad certificate\" from it", "not valid yet");
	fails(careless("only", v), good("bsf"), "alert \"unsupported certificate\" from it", "not for this use");
	fails(careless(NULL, v), good("bsf"),
	      v == TLS1_3_VERSION ? "alert \"certificate required\"" : "alert \"handshake failure\"",
	      "has shown no certificate");
	fails(named(good("naf"), v), careless("foreign", v), "its certificate is of another CA",
	      "alert \"unknown CA\" from it");
	fails(named(good("naf"), v), careless("old", v), "has expired", "alert \"certificate expired\" from it");
}
END_TEST

START_TEST(old_versions_and_other_protocols)
{
	struct pair p;
	SSL_CTX *c = good("bsf");

	fails(careless("naf", TLS1_1_VERSION), good("bsf"), "alert \"protocol version\" from it",
	      "no common version of TLS");
	begin(&p, c, c);
	SSL_free(p.s[0]);
	p.s[0] = NULL;
	snprintf(p.why[0], sizeof(p.why[0]), "a CER in plain");
	ck_assert_int_eq(write(p.fd[0], "\1\0\0\x14\x80\0\1\1\0\0\0\0aaaabbbb", 20), 20);
	run(&p);
	ck_assert_str_eq(p.why[1], "what it sends is not TLS");
	end(&p);
	begin(&p, c, c);
	SSL_free(p.s[0]);
	p.s[0] = NULL;
	snprintf(p.why[0], sizeof(p.why[0]), "gone");
	shutdown(p.fd[0], SHUT_WR);
	run(&p);
	ck_assert_str_eq(p.why[1], "closed within TLS without a word");
	end(&p);
	SSL_CTX_free(c);
}
END_TEST

/* A server that sees cert; its pair is p. */
static void shown(struct pair *p, const char *cert)
{
	SSL_CTX *client = good(cert), *server = good("bsf");

	begin(p, client, server);
	run(p);
	ck_assert_str_eq(p->why[0], "");
	ck_assert_str_eq(p->why[1], "");
	SSL_CTX_free(client);
	SSL_CTX_free(server);
}

static bool has(struct pair *p, const char *name, bool tls_cn)
{
	return dia_cert_names(p->s[1], &name, 1, tls_cn);
}

/* 220-E-5: a wildcard is one label */
START_TEST(names_of_a_certificate)
{
	static const char *const two[] = { "x.op.example", "naf.op.example" };
	struct pair p;

	shown(&p, "naf");
	ck_assert(has(&p, "naf.op.example", false));
	ck_assert(has(&p, "NAF.Op.Example", false));
	ck_assert(has(&p, "also.op.example", false));
	ck_assert(has(&p, "a.apps.op.example", false));
	ck_assert(!has(&p, "a.b.apps.op.example", false));
	ck_assert(!has(&p, "apps.op.example", false));
	ck_assert(!has(&p, "af.op.example", false));
	ck_assert(!has(&p, "cn.op.example", false));
	ck_assert(!has(&p, "cn.op.example", true)); /* it has dNSNames */
	/* OpenSSL itself says yes to the first two and takes a length of 0 for "count it" */
	ck_assert(!has(&p, ".apps.op.example", false));
	ck_assert(!has(&p, "*.apps.op.example", false));
	ck_assert(!has(&p, "", false));
	ck_assert(!has(&p, "naf.op.example.", false));
	ck_assert(dia_cert_names(p.s[1], two, 2, false));
	ck_assert(!dia_cert_names(p.s[1], two, 1, false));
	ck_assert(!dia_cert_names(p.s[1], two, 0, false));
	end(&p);
}
END_TEST

/* What openssl says of the same file is compared in tests/e2e/t_tls.py. */
START_TEST(key_of_a_certificate)
{
	char key[DIA_CERT_KEY], other[DIA_CERT_KEY], upper[DIA_CERT_KEY];
	const char *keys[] = { "sha256:00", key };
	struct pair p, q;

	shown(&p, "naf");
	ck_assert(dia_cert_key(key, p.s[1]) && dia_cert_key_valid(key));
	ck_assert(dia_cert_has_key(p.s[1], keys, 2) && !dia_cert_has_key(p.s[1], keys, 1));
	ck_assert(!dia_cert_has_key(p.s[1], keys, 0));
	for (size_t i = 0; i < sizeof(upper); i++)
		upper[i] = i < 7 ? key[i] : (char)toupper((unsigned char)key[i]);
	keys[0] = upper;
	ck_assert(dia_cert_key_valid(upper) && dia_cert_has_key(p.s[1], keys, 1));
	shown(&q, "bsf");
	ck_assert(dia_cert_key(other, q.s[1]));
	ck_assert_str_ne(key, other);
	ck_assert(!dia_cert_has_key(q.s[1], keys, 2));
	memcpy(upper, "SHA512:", 7);
	ck_assert(!dia_cert_key_valid(upper));
	memcpy(upper, "sha512:", 7);
	ck_assert(!dia_cert_key_valid(upper));
	ck_assert(!dia_cert_key_valid("sha256:") && !dia_cert_key_valid("") && !dia_cert_key_valid(key + 7));
	end(&p);
	end(&q);
}
END_TEST

/* 220-E-6: what was found out once is the same the second time, and of another certificate it is found out anew. */
START_TEST(names_are_looked_for_once)
{
	static const char *const names[] = { "naf.op.example",
					     "a.apps.op.example",
					     ".apps.op.example",
					     "*.apps.op.example",
					     "a.b.apps.op.example",
					     "nobody.example",
					     "" };
	static const bool covered[] = { true, true, false, false, false, false, false };
	struct dia_cover *c = NULL;
	struct pair p;

	shown(&p, "naf");
	for (int again = 0; again < 3; again++)
		for (size_t i = 0; i < sizeof(covered); i++)
			ck_assert_int_eq(dia_cover_get(&c, SSL_get0_peer_certificate(p.s[1]), names[i]), covered[i]);
	for (int i = 0; i < 3 * DIA_COVER_PLACES; i++) { /* names that meet in a place */
		char name[32];

		snprintf(name, sizeof(name), "x%d.%s", i, i % 2 ? "apps.op.example" : "example");
		ck_assert_int_eq(dia_cover_get(&c, SSL_get0_peer_certificate(p.s[1]), name), i % 2);
	}
	ck_assert(dia_cover_get(&c, SSL_get0_peer_certificate(p.s[1]), names[0]));
	dia_cover_free(c);
	c = NULL;
	end(&p);
	shown(&p, "cn");
	ck_assert(!dia_cover_get(&c, SSL_get0_peer_certificate(p.s[1]), names[0]));
	dia_cover_free(c);
	end(&p);
}
END_TEST

START_TEST(names_made_to_deceive)
{
	struct pair p;
	char text[100];

	shown(&p, "nul");
	ck_assert(!has(&p, "naf.op.example", false));
	ck_assert(!has(&p, "end.op.example", false));
	dia_cert_text(text, sizeof(text), p.s[1]);
	ck_assert_str_eq(text, "naf.op.example?.evil.example end.op.example?");
	dia_cert_text(text, 8, p.s[1]);
	ck_assert_str_eq(text, "naf.op");
	ck_assert(!has(&p, "naf.op.example", true));
	end(&p);
	shown(&p, "wild");
	ck_assert(!has(&p, "naf.example", false));
	ck_assert(!has(&p, "example", false));
	ck_assert(!has(&p, "foo.op.example", false));
	ck_assert(!has(&p, "a.b.op.example", false));
	end(&p);
	shown(&p, "cn");
	ck_assert(!has(&p, "cn.op.example", false));
	ck_assert(has(&p, "cn.op.example", true));
	end(&p);
}
END_TEST

START_TEST(until_when_the_other_side_is_certified)
{
	const struct pki_wish soon = { .ca = &ca, .cn = "x", .from_s = -7200, .until_s = 100 };
	struct pair p;
	time_t left;

	pki_make(dir, "soon", &soon);
	shown(&p, "soon");
	left = dia_cert_expires(p.s[1]) - time(NULL);
	ck_assert_int_gt(left, 0);
	ck_assert_int_le(left, 100);
	left = dia_cert_expires(p.s[0]) - time(NULL);
	ck_assert_int_gt(left, 80000);
	end(&p);
}
END_TEST

START_TEST(who_dials_knows_the_name)
{
	static const char *const right[] = { "bsf.op.example" }, *const wrong[] = { "hss.op.example" };
	static const char *const trap[] = { ".op.example" }, *const several[] = { "hss.op.example", "bsf.op.example" };
	SSL_CTX *naf = named(good("naf"), VERSIONS[_i]), *bsf = good("bsf");
	struct pair p;

	begin(&p, naf, bsf);
	ck_assert(dia_cert_expect(p.s[0], right, 1, false));
	run(&p);
	ck_assert_str_eq(p.why[0], "");
	ck_assert_str_eq(SSL_get_servername(p.s[1], TLSEXT_NAMETYPE_host_name), "bsf.op.example");
	end(&p);
	begin(&p, naf, bsf);
	ck_assert(dia_cert_expect(p.s[0], several, 2, false));
	run(&p);
	ck_assert_str_eq(p.why[0], "");
	end(&p);
	begin(&p, naf, bsf);
	ck_assert(dia_cert_expect(p.s[0], wrong, 1, false));
	run(&p);
	ck_assert_str_eq(p.why[0], "its certificate is for another name");
	ck_assert_str_eq(p.why[1], "alert \"bad certificate\" from it");
	end(&p);
	begin(&p, naf, bsf);
	ck_assert(!dia_cert_expect(p.s[0], trap, 1, false));
	ck_assert(!dia_cert_expect(p.s[0], NULL, 0, false));
	end(&p);
	SSL_CTX_free(naf);
	SSL_CTX_free(bsf);
}
END_TEST

int main(void)
{
	const TTest *const once[] = {
		files_that_are_wrong_are_named,
		a_key_with_a_passphrase_asks_nobody,

		the_end_of_our_own,
		old_versions_and_other_protocols,
		names_of_a_certificate,
		key_of_a_certificate,
		names_made_to_deceive,
		names_are_looked_for_once,
		until_when_the_other_side_is_certified,
	};
	const TTest *const each_version[] = { both_ends_say_why, who_dials_knows_the_name };
	TCase *t = tcase_create("dia_cert");

	tcase_add_unchecked_fixture(t, setup, teardown);
	for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
		tcase_add_test(t, once[i]);
	for (size_t i = 0; i < sizeof(each_version) / sizeof(*each_version); i++)
		tcase_add_loop_test(t, each_version[i], 0, 2);
	return suite_run_cases("dia_cert", &t, 1);
}
