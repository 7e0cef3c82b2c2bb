/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One NAF as a file of the policy directory: what is read, and what is refused with which words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "bsf/policy/naf_text.h"
#include "bsf/policy/naf_words.h"
#include "common/dia/dia_hub.h"
#include "common/gba/gba_variant.h"
#include "tests/unit/suite.h"

static int parse(struct naf_text *t, const char *text, struct err *err)
{
	return naf_text_parse(t, (const uint8_t *)text, strlen(text), err);
}

START_TEST(all_words)
{
	static const char text[] = "naf naf1.example.com\n"
				   " via dra.example.com\n"
				   "! a remark, gr\xc3\xb6\xc3\x9f"
				   "er\n"
				   "\n"
				   "\tspeaks-for naf1.example.com\r\n"
				   " speaks-for *.apps.example.com\n"
				   " naf-group A a\n"
				   " private-identity allow\n"
				   " gaa-service 1 22\n"
				   " uss-required 3\n"
				   " keys uicc\n"
				   " variants gba-u 2g\n"
				   " key-age-max 600\n"
				   " key-uses-max 7\n"
				   " ua-protocols 0100000002 010001*\n"
				   " rate 100\n"
				   " visited-network visited.example\n"
				   " proxy\n";
	struct err err = { "" };
	struct naf_text t;

	ck_assert_msg(parse(&t, text, &err) == 0, "%s", err.text);
	ck_assert_str_eq(t.naf.identity, "naf1.example.com");
	ck_assert_str_eq(t.naf.via, "dra.example.com");
	ck_assert(policy_speaks_for(&t.naf, "x.apps.example.com") && policy_speaks_for(&t.naf, "NAF1.example.com"));
	ck_assert_uint_eq(t.naf.groups.n, 2);
	ck_assert_str_eq(t.naf.groups.s[1], "a");
	ck_assert(t.naf.private_identity && t.naf.proxy && !t.naf.anonymous);
	ck_assert_str_eq(t.naf.gsids.s[1], "22");
	ck_assert_str_eq(t.naf.required_gsids.s[0], "3");
	ck_assert_uint_eq(t.naf.keys, NAF_KEYS_UICC);
	ck_assert(naf_policy_variant(&t.naf, GBA_VARIANT_2G) && naf_policy_variant(&t.naf, GBA_VARIANT_U));
	ck_assert(!naf_policy_variant(&t.naf, GBA_VARIANT_ME) && !naf_policy_variant(&t.naf, 77));
	ck_assert_uint_eq(t.naf.key_age_max_s, 600);
	ck_assert_uint_eq(t.naf.key_uses_max, 7);
	ck_assert(naf_policy_ua(&t.naf, (const uint8_t *)"\1\0\0\0\2") &&
		  naf_policy_ua(&t.naf, (const uint8_t *)"\1\0\1\xc0\x2f"));
	ck_assert(!naf_policy_ua(&t.naf, (const uint8_t *)"\1\0\0\0\1"));
	ck_assert_uint_eq(t.naf.per_s, 100);
	ck_assert_str_eq(t.naf.visited_network, "visited.example");
	naf_text_clear(&t);
}
END_TEST

#define KEY "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"

START_TEST(own_connection)
{
	struct err err = { "" };
	struct naf_text t;

	ck_assert_msg(parse(&t,
			    "address any\ntls-name x.example\ntls-key " KEY
			    "\ntls-cn\nconnections 3\nspeaks-for a.example\nanonymous\n",
			    &err) == 0,
		      "%s", err.text);
	ck_assert_ptr_null(t.naf.via);
	ck_assert_uint_eq(t.peer.n_nets, 2);
	ck_assert_uint_eq(t.peer.how, DIA_HUB_BY_TLS); /* nothing else binds the name */
	ck_assert_uint_eq(t.peer.connections, 3);
	ck_assert(t.peer.tls_cn && t.naf.anonymous);
	ck_assert_str_eq(t.peer.tls_names.s[0], "x.example");
	ck_assert_str_eq(t.peer.tls_keys.s[0], KEY);
	naf_text_clear(&t);
	ck_assert_int_eq(parse(&t, "address 10.0.0.1\nspeaks-for a.example\n", &err), 0);
	ck_assert_uint_eq(t.peer.connections, 1);
	ck_assert_uint_eq(t.peer.how, DIA_HUB_BEYOND_LOOPBACK);
	ck_assert(naf_policy_variant(&t.naf, GBA_VARIANT_ME) && !naf_policy_variant(&t.naf, GBA_VARIANT_DIGEST));
	ck_assert(naf_policy_ua(&t.naf, (const uint8_t *)"\1\0\0\0\1"));
	naf_text_clear(&t);
}
END_TEST

#define GOOD "via x\nspeaks-for a\n"

static const struct {
	const char *text, *why;
} refused[] = {
	{ "", "peer without address" },
	{ "via x\n", "speaks for no name" },
	{ "speaks-for a\n", "peer without address" },
	{ "via x\nspeaks-for a", "line 2: the last line has no end" },
	{ GOOD "colour red\n", "line 3: unknown word 'colour'; allowed:" },
	{ GOOD "naf b\n", "line 3: naf is the first line" },
	{ "naf a b\n" GOOD, "line 1: naf and what is no host name" },
	{ "naf -\n" GOOD, "line 1: naf and what is no host name" },
	{ GOOD "via y\n", "line 3: via a second time; allowed: once" },
	{ GOOD "rate 5\nrate 6\n", "line 4: rate a second time" },
	{ GOOD "proxy\nproxy\n", "line 4: proxy a second time" },
	{ GOOD "speaks-for a..b\n", "line 3: a..b is no host name; allowed: FQDN or *.DOMAIN" },
	{ GOOD "speaks-for *\n", "line 3: * is no host name" },
	{ GOOD "speaks-for *.*.x\n", "line 3: *.*.x is no host name" },
	{ GOOD "speaks-for a b\n", "line 3: speaks-for has 2 arguments; allowed: speaks-for FQDN" },
	{ GOOD "speaks-for\n", "line 3: speaks-for has 0 arguments" },
	{ GOOD "gaa-service\n", "line 3: gaa-service has 0 arguments; allowed: gaa-service GSID" },
	{ GOOD "gaa-service 1 x\n", "line 3: x is no service identifier; allowed: up to 16 digits" },
	{ GOOD "gaa-service 12345678901234567\n", "is no service identifier" },
	{ GOOD "uss-required -1\n", "is no service identifier" },
	{ GOOD "private-identity yes\n", "line 3: private-identity yes; allowed: deny, allow" },
	{ GOOD "private-identity al\n", "line 3: private-identity al; allowed: deny, allow" },
	{ GOOD "keys all\n", "line 3: keys all; allowed: both, me, uicc, refused" },
	{ GOOD "variants gba-me nfc\n", "line 3: variants nfc; allowed: gba-me, gba-u, 2g, digest" },
	{ GOOD "key-age-max 0\n", "line 3: key-age-max 0; allowed: 1 to 31536000" },
	{ GOOD "key-age-max 31536001\n", "allowed: 1 to 31536000" },
	{ GOOD "rate 1000001\n", "allowed: 1 to 1000000" },
	{ GOOD "rate +5\n", "allowed: 1 to 1000000" },
	{ GOOD "rate 99999999999999999999\n", "allowed: 1 to 1000000" },
	{ GOOD "ua-protocols 01000000\n", "is no Ua security protocol; allowed: 10 hex digits" },
	{ GOOD "ua-protocols *\n", "is no Ua security protocol" },
	{ GOOD "ua-protocols 0100000002*\n", "is no Ua security protocol" },
	{ GOOD "ua-protocols 01*02\n", "is no Ua security protocol" },
	{ GOOD "visited-network a..b\n", "is no host name" },
	{ GOOD "proxy yes\n", "line 3: proxy has 1 arguments; allowed: proxy" },
	{ GOOD "anonymous\nprivate-identity allow\n", "anonymous and private-identity allow; allowed: one of them" },
	{ GOOD "address 10.0.0.1\n", "via and a connection of its own; allowed: one of them" },
	{ GOOD "tls-cn\n", "via and a connection of its own" },
	{ GOOD "tls-key " KEY "\n", "via and a connection of its own" },
	{ "address 10.0.0.1\ntls-key " KEY "0\nspeaks-for a\n",
	  "is no public key; allowed: sha256: and 64 hex digits" },
	{ "address 10.0.0.1\ntls-key sha512:0\nspeaks-for a\n", "line 2: sha512:0 is no public key" },
	{ "address 10.0.0.1\nsecurity plain\ntls-key " KEY "\nspeaks-for a\n",
	  "tls-key, and security plain, which has no certificate to look at; allowed: security tls, tls-after-cer" },
	{ "address here\nspeaks-for a\n", "line 1: here is no address" },
	{ "address any\nsecurity plain\nspeaks-for a\n", "address any without TLS would let everybody in" },
	{ "address 0.0.0.0/0\nsecurity plain\nspeaks-for a\n", "address any without TLS would let everybody in" },
	{ "address 10.0.0.1\nsecurity none\nspeaks-for a\n", "allowed: plain, tls, tls-after-cer" },
	{ "address 10.0.0.1\nconnections 65\nspeaks-for a\n", "allowed: 1 to 64" },
	{ "connections 2\nspeaks-for a\n", "peer without address" },
	{ GOOD "\x01\n", "line 3: an octet that is no text" },
	{ GOOD "speaks-for a\x1b[2Jb\n", "line 3: an octet that is no text" },
	{ GOOD "naf-group caf\xc3\xa9\n", "line 3: an octet that is no text" },
	{ GOOD "gr\xc3\xb6\xc3\x9f"
	       "e 1\n",
	  "line 3: an octet that is no text" },
	{ GOOD "\x9b"
	       "2J\n",
	  "line 3: an octet that is no text" },
	{ GOOD "! a remark\x1b[2J\n", "line 3: an octet that is no text" },
};

/* Each error of a file with its words */
START_TEST(words_of_errors)
{
	struct err err = { "" };
	struct naf_text t;

	ck_assert_int_lt(parse(&t, refused[_i].text, &err), 0);
	ck_assert_msg(strstr(err.text, refused[_i].why) != NULL, "'%s' for:\n%s", err.text, refused[_i].text);
	ck_assert(!t.naf.identity && !t.naf.speaks_for.n && !t.peer.nets);
}
END_TEST

START_TEST(limits)
{
	static char text[NAF_TEXT_MAX + 64];
	struct err err = { "" };
	struct naf_text t;
	size_t n = (size_t)sprintf(text, "via x\n");

	for (int i = 0; i < 257; i++)
		n += (size_t)sprintf(text + n, "speaks-for n%d\n", i);
	ck_assert_int_eq(parse(&t, text, &err), -E2BIG);
	ck_assert_ptr_nonnull(strstr(err.text, "line 258: speaks-for: too many of them; allowed: 256"));
	n = (size_t)sprintf(text, GOOD "gaa-service");
	for (int i = 0; i < 257; i++)
		n += (size_t)sprintf(text + n, " %d", i);
	sprintf(text + n, "\n");
	ck_assert_int_lt(parse(&t, text, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "line 3: too many words"));
	memset(text, '\n', sizeof(text));
	ck_assert_int_eq(naf_text_parse(&t, (uint8_t *)text, NAF_TEXT_MAX + 1, &err), -E2BIG);
	memset(text, '!', sizeof(text));
	n = (size_t)sprintf(text, GOOD);
	text[n] = '!';
	text[NAF_TEXT_MAX - 1] = '\n';
	ck_assert_int_eq(naf_text_parse(&t, (uint8_t *)text, NAF_TEXT_MAX, &err), 0);
	naf_text_clear(&t);
	ck_assert_int_lt(naf_text_parse(&t, (const uint8_t *)"via x\nspeaks-for a\0b\n", 21, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "an octet that is no text"));
}
END_TEST

/* A row said and taken back is as if it had never been said. */
START_TEST(taken_back)
{
	static const char *const lines[] = { "speaks-for a.example",
					     "naf-group A B",
					     "private-identity allow",
					     "anonymous",
					     "gaa-service 1 2",
					     "uss-required 3",
					     "keys me",
					     "variants 2g digest",
					     "key-age-max 5",
					     "ua-protocols 01*",
					     "rate 7",
					     "visited-network v.example",
					     "proxy",
					     "via x" };
	struct naf_policy n = { 0 };
	struct naf_policy none = { 0 };
	struct err err;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[64], *rest = line, *args[4];
		const struct naf_word *w;
		size_t k = 0;

		strcpy(line, lines[i]);
		w = naf_word_find(span_str(strsep(&rest, " ")));
		ck_assert_ptr_nonnull(w);
		while (rest)
			args[k++] = strsep(&rest, " ");
		ck_assert_int_eq(naf_word_set(w, &n, (const char *const *)args, k, &err), 0);
		ck_assert_int_ne(memcmp(&n, &none, sizeof(n)), 0);
		ck_assert_int_eq(naf_word_unset(w, &n, k ? args[0] : NULL, &err), 0);
		free(n.speaks_for.s);
		n.speaks_for.s = NULL;
		ck_assert_msg(memcmp(&n, &none, sizeof(n)) == 0, "%s", lines[i]);
	}
	ck_assert_int_eq(naf_word_unset(naf_word_find(span_str("speaks-for")), &n, "b", &err), -ENOENT);
	ck_assert_str_eq(err.text, "b is not there");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("policy file");

	tcase_add_test(tc, all_words);
	tcase_add_test(tc, own_connection);
	tcase_add_loop_test(tc, words_of_errors, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tc, limits);
	tcase_add_test(tc, taken_back);
	return suite_run_cases("naf_text", &tc, 1);
}
