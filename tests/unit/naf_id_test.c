/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* NAF_Id and annex H. 220-3.1-2, 220-H.1-1: host name and five octets; 220-H.2-1, 220-H.3-1, 220-H.3-9: the
 * identifiers; 220-H.1-2, 220-4.4.9-5: organisations and the list of identifiers. */
#include <errno.h>

#include "common/gba/naf_id.h"
#include "tests/unit/suite.h"

static const uint8_t digest[5] = { 1, 0, 0, 0, 2 };

START_TEST(parsed_as_received)
{
	static const uint8_t raw[] = "NAF1.Example.com\x01\x00\x00\x00\x02";
	struct naf_id id;

	ck_assert_int_eq(naf_id_parse(&id, raw, sizeof(raw) - 1), 0);
	ck_assert_uint_eq(id.len, sizeof(raw) - 1);
	ck_assert_mem_eq(id.raw, raw, id.len); /* the key is derived from exactly these */
	ck_assert_str_eq(id.fqdn, "NAF1.Example.com");
	ck_assert_mem_eq(id.ua, digest, 5);
	ck_assert_mem_eq(UA_ID_HTTP_DIGEST, digest, 5);
	ck_assert_int_eq(naf_id_parse(&id, (const uint8_t *)"a\1\0\0\0\2", 6), 0);
	ck_assert_int_eq(naf_id_parse(&id, (const uint8_t *)"n\xc3\xa4\x66.example\0\0\0\0\0", 17), 0);
}
END_TEST

START_TEST(refused)
{
	static const struct {
		const char *octets;
		size_t len;
	} bad[] = {
		{ "", 0 },
		{ "\1\0\0\0\2", 5 },
		{ "a\0b\1\0\0\0\2", 8 },
		{ "a\nb\1\0\0\0\2", 8 },
		{ "a b\1\0\0\0\2", 8 },
		{ "a\x7f\1\0\0\0\2", 7 },
		{ "n\xe4\x66\1\0\0\0\2", 8 },
		{ "a\xc3\1\0\0\0\2", 7 },
		{ "a\xc2\x9f"
		  "\1\0\0\0\2",
		  8 }, /* the last of C1 */
		{ "a\xc2\x9b"
		  "b\1\0\0\0\2",
		  9 },
	};
	uint8_t big[NAF_ID_MAX + 1];
	struct naf_id id, before;

	memset(&id, 0x55, sizeof(id));
	before = id;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(naf_id_parse(&id, (const uint8_t *)bad[i].octets, bad[i].len) == -EBADMSG, "case %zu", i);
	memset(big, 'a', sizeof(big));
	ck_assert_int_eq(naf_id_parse(&id, big, sizeof(big)), -E2BIG);
	ck_assert_mem_eq(&id, &before, sizeof(id));
	ck_assert_int_eq(naf_id_parse(&id, big, NAF_ID_MAX), 0);
}
END_TEST

/* what our UE and NAF library send: lower case, no port, no trailing dot */
START_TEST(made)
{
	static const char *const same[] = { "naf1.example.com",  "NAF1.Example.COM",      "naf1.example.com:8080",
					    "naf1.example.com.", "Naf1.example.com.:443", "naf1.example.com:" };
	static const char *const bad[] = { "",
					   ".",
					   ":80",
					   "naf1..com",
					   "naf1.example.com..",
					   "naf1:80x",
					   "naf1:80:80",
					   "n\xc3\xa4\x66.example",
					   "a b",
					   "a/b" };
	struct naf_id id;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		ck_assert_int_eq(naf_id_make(&id, same[i], digest), 0);
		ck_assert_uint_eq(id.len, 16 + 5);
		ck_assert_octets(id.raw, "6e6166312e6578616d706c652e636f6d0100000002");
		ck_assert_str_eq(id.fqdn, "naf1.example.com");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(naf_id_make(&id, bad[i], digest) == -EINVAL, "%s", bad[i]);
}
END_TEST

/* what a policy writes for all names beside this one */
START_TEST(wildcard)
{
	char out[FQDN_MAX + 2] = "as before", longest[FQDN_MAX + 3] = "a.";

	ck_assert(!naf_id_wildcard(out, "localhost") && !naf_id_wildcard(out, ""));
	memset(longest + 2, 'b', FQDN_MAX);
	ck_assert(!naf_id_wildcard(out, longest));
	ck_assert_str_eq(out, "as before");
	longest[FQDN_MAX + 1] = '\0';
	ck_assert(naf_id_wildcard(out, longest));
	ck_assert_uint_eq(strlen(out), FQDN_MAX + 1);
	ck_assert(naf_id_wildcard(out, "naf1.Example.com"));
	ck_assert_str_eq(out, "*.Example.com");
}
END_TEST

/* the whole of annex H.2 and H.3, and its edges; says: what the name must hold, NULL: no name */
static const struct {
	const char *hex;
	enum ua_id_class class;
	const char *says;
} annex_h[] = {
	{ "0000000000", UA_ID_KNOWN, "unspecified" }, { "0000000001", UA_ID_INVALID, NULL },
	{ "0001000000", UA_ID_INVALID, NULL },        { "00ffffffff", UA_ID_INVALID, NULL },
	{ "0100000000", UA_ID_KNOWN, "33.221" },      { "0100000001", UA_ID_KNOWN, "33.246" },
	{ "0100000002", UA_ID_KNOWN, "24.109" },      { "0100000003", UA_ID_KNOWN, "26.237" },
	{ "0100000004", UA_ID_KNOWN, "26.237" },      { "0100000005", UA_ID_KNOWN, "33.224" },
	{ "0100000006", UA_ID_KNOWN, "33.328" },      { "0100000007", UA_ID_KNOWN, "TLS 1.3" }, /* of later releases */
	{ "0100000008", UA_ID_UNKNOWN, NULL },        { "01000000ff", UA_ID_UNKNOWN, NULL },
	{ "0100000100", UA_ID_RESERVED, "TMPI" },     { "0100000101", UA_ID_UNKNOWN, NULL },
	{ "01000001ff", UA_ID_UNKNOWN, NULL },        { "0100010000", UA_ID_KNOWN, "33.222" },
	{ "010001c02f", UA_ID_KNOWN, "33.222" },      { "010001ffff", UA_ID_KNOWN, "33.222" },
	{ "0100020000", UA_ID_KNOWN, "annex D" },     { "0100021301", UA_ID_KNOWN, "annex D" },
	{ "0100030000", UA_ID_UNKNOWN, NULL },        { "0101000002", UA_ID_UNKNOWN, NULL },
	{ "0200000000", UA_ID_KNOWN, NULL }, /* 3GPP2 */
	{ "0300000001", UA_ID_KNOWN, "SUPL" },        { "0300000002", UA_ID_KNOWN, "LOCSIP" },
	{ "0300000003", UA_ID_KNOWN, "SIP Digest" },  { "030001008c", UA_ID_KNOWN, "TLS" },
	{ "0400000000", UA_ID_KNOWN, NULL },                                               /* GSMA */
	{ "fe00000000", UA_ID_KNOWN, NULL },          { "ff01020304", UA_ID_KNOWN, NULL }, /* private use */
};

START_TEST(identifiers)
{
	for (size_t i = 0; i < sizeof(annex_h) / sizeof(annex_h[0]); i++) {
		const char *name = "unset";
		uint8_t ua[5];

		octets_of(ua, 5, annex_h[i].hex);
		ck_assert_msg(ua_id_classify(ua, &name) == annex_h[i].class, "%s", annex_h[i].hex);
		ck_assert_int_eq(ua_id_classify(ua, NULL), annex_h[i].class);
		if (annex_h[i].says)
			ck_assert_msg(name && strstr(name, annex_h[i].says), "%s: %s", annex_h[i].hex,
				      name ? name : "-");
		else if (annex_h[i].class != UA_ID_INVALID)
			ck_assert_msg(!name, "%s: %s", annex_h[i].hex, name);
	}
}
END_TEST

SUITE("naf_id", parsed_as_received, refused, made, wildcard, identifiers)
