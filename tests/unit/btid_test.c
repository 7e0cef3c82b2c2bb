/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* B-TID and DNS names. 220-4.5.2-20: base64 of RAND, @, BSF server name. 220-4.4.7-3, 220-4.5.3-7: unchanged both ways.
 */
#include <errno.h>

#include "common/gba/btid.h"
#include "tests/unit/suite.h"

#define RAND_HEX "23553cbe9637a89d218ae64dae47bf35"
#define BTID     "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.mnc015.mcc234.pub.3gppnetwork.org"

static int parse(struct btid *out, const char *s)
{
	return btid_parse(out, (const uint8_t *)s, strlen(s));
}

START_TEST(both_ways)
{
	char text[BTID_MAX + 1];
	uint8_t rand[16];
	struct btid id;

	octets_of(rand, sizeof(rand), RAND_HEX);
	ck_assert_int_eq(btid_format(text, rand, "bsf.mnc015.mcc234.pub.3gppnetwork.org"), (int)strlen(BTID));
	ck_assert_str_eq(text, BTID);
	ck_assert_int_eq(parse(&id, BTID), 0);
	ck_assert_mem_eq(id.rand, rand, sizeof(rand));
	ck_assert_str_eq(id.domain, "bsf.mnc015.mcc234.pub.3gppnetwork.org");
	ck_assert_int_eq(parse(&id, "I1U8vpY3qJ0hiuZNrke/NQ==@BSF.Example"), 0);
	ck_assert_str_eq(id.domain, "BSF.Example"); /* kept as received */
	ck_assert_int_eq(parse(&id, "+/+/+/+/+/+/+/+/+/+/+w==@bsf.example"), 0);
	ck_assert_int_eq(btid_format(text, id.rand, id.domain), 36);
	ck_assert_str_eq(text, "+/+/+/+/+/+/+/+/+/+/+w==@bsf.example");
}
END_TEST

START_TEST(refused)
{
	static const char *const bad[] = {
		"",
		"@",
		"I1U8vpY3qJ0hiuZNrke/NQ==",
		"I1U8vpY3qJ0hiuZNrke/NQ==@",
		"@bsf.example",
		"I1U8vpY3qJ0hiuZNrke/NR==@bsf.example", /* the same RAND, spelt differently */
		"I1U8vpY3qJ0hiuZNrke_NQ==@bsf.example", /* alphabet of URLs */
		"I1U8vpY3qJ0hiuZNrke/NQ=@bsf.example",  /* 15 octets and a half */
		"I1U8vpY3qJ0hiuZNrke/NTU=@bsf.example", /* 17 octets */
		"I1U8vpY3qJ0hiuZNrke/NQ==#bsf.example",
		"I1U8vpY3qJ0hiuZNrke/NQ== @bsf.example",
		"I1U8vpY3qJ0hiuZNrke/NQ==@bsf example",
		"I1U8vpY3qJ0hiuZNrke/NQ==@bsf.example.",
		"I1U8vpY3qJ0hiuZNrke/NQ==@a@bsf.example",
		"I1U8vpY3qJ0hiuZNrke/NQ==@bsf.example\r\n",
		"234150999999999@ims.mnc015.mcc234.3gppnetwork.org",
	};
	struct btid id, before;

	memset(&id, 0x55, sizeof(id));
	before = id;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(parse(&id, bad[i]) == -EBADMSG, "%s", bad[i]);
	ck_assert_int_eq(btid_parse(&id, (const uint8_t *)BTID "\0", sizeof(BTID)), -EBADMSG);
	ck_assert_mem_eq(&id, &before, sizeof(id));
}
END_TEST

/* 255 characters are a B-TID, 256 are too many; a name of ours that does not fit is no B-TID */
START_TEST(limits)
{
	char text[512] = "I1U8vpY3qJ0hiuZNrke/NQ==@", again[BTID_MAX + 1];
	uint8_t rand[16] = { 0 };
	struct btid id;

	while (strlen(text) < BTID_MAX - 1)
		strcat(text, "a.");
	text[BTID_MAX - 1] = 'b';
	text[BTID_MAX] = '\0';
	ck_assert_int_eq(parse(&id, text), 0);
	ck_assert_uint_eq(strlen(id.domain), BSF_NAME_MAX);
	ck_assert_int_eq(btid_format(again, id.rand, id.domain), BTID_MAX);
	ck_assert_str_eq(text, again);
	strcat(text, "b");
	ck_assert_int_eq(parse(&id, text), -E2BIG);
	ck_assert_int_eq(btid_format(again, rand, text + BTID_RAND_CHARS + 1), -ENOSPC);
}
END_TEST

START_TEST(names)
{
	static const char *const good[] = { "a", "a.b", "A-1.b", "1.2.3.4", "x--y.z" };
	static const char *const bad[] = { "",     ".",     "a.",  ".a",         "a..b", "-a.b", "a-.b",
					   "a.b-", "a_b.c", "a b", "a.\xc3\xa4", "a:1",  "a/b" };
	char label[80];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(fqdn_valid(span_str(good[i]), 253), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!fqdn_valid(span_str(bad[i]), 253), "%s", bad[i]);
	memset(label, 'a', sizeof(label));
	ck_assert(fqdn_valid(span_of(label, 63), 253));
	ck_assert(!fqdn_valid(span_of(label, 64), 253));
	ck_assert(!fqdn_valid(span_str("a.bc"), 3));
	ck_assert(!fqdn_valid(span_of("a\0b", 3), 253));
}
END_TEST

SUITE("btid", both_ways, refused, limits, names)
