/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Each result of the BSF, and what a NAF makes of it: a key only of a whole success. */
#include <errno.h>

#include "naf-lib/naf_bia.h"
#include "naf-lib/naf_ks.h"
#include "tests/unit/suite.h"

static const struct {
	bool experimental;
	uint32_t vendor, code;
	uint8_t key_len;
	int rc;
} rows[] = {
	{ false, 0, 2001, 32, 0 },         { false, 0, 2001, 0, -EPROTO },     { false, 0, 2001, 31, -EPROTO },
	{ false, 0, 2001, 33, -EPROTO },   { false, 0, 2002, 32, -EPROTO },    { false, 0, 3002, 0, -EPROTO },
	{ true, 10415, 3002, 0, -EPROTO }, { false, 0, 3004, 0, -EPROTO },     { false, 0, 5012, 32, -EPROTO },
	{ false, 0, 5402, 32, -EPROTO },   { false, 0, 5403, 32, -EPROTO },    { true, 10415, 2001, 32, -EPROTO },
	{ true, 10415, 5402, 32, -EPERM }, { true, 10415, 5403, 32, -ENOENT }, { true, 10415, 5401, 32, -EPROTO },
	{ true, 9, 5402, 32, -EPROTO },    { true, 9, 5403, 32, -EPROTO },
};

START_TEST(results)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct zn_bia bia = { .result = { .experimental = rows[i].experimental,
						  .vendor = rows[i].vendor,
						  .code = rows[i].code },
				      .me_key = { .len = rows[i].key_len, .b = { 7 } } };
		struct gba_naf_key key = { 0 }, none = { 0 };

		ck_assert_msg(naf_bia_read(&bia, 0, &key) == rows[i].rc, "row %zu", i);
		if (rows[i].rc)
			ck_assert_mem_eq(&key, &none, sizeof(key));
		else
			ck_assert_uint_eq(key.key[0], 7);
	}
}
END_TEST

/* 220-5.3.3-3: a key selection in any USS binds, and what the BSF did not give cannot be used */
START_TEST(key_selection)
{
#define U(choice) "<uss id='1' type='1'><uids/><flags/>" choice "</uss>"
#define KC(word)  "<keyChoice>" word "</keyChoice>"
	static const struct {
		uint8_t me, uicc;
		const char *uss;
		int rc;
		unsigned use;
	} selections[] = {
		{ 32, 32, NULL, 0, GBA_NAF_KEY_DEVICE | GBA_NAF_KEY_CARD },
		{ 32, 0, "<ussList/>", 0, GBA_NAF_KEY_DEVICE | GBA_NAF_KEY_CARD },
		{ 32, 32, "<ussList>" U("") U(KC("UICC_BASED_KEY")) "</ussList>", 0, GBA_NAF_KEY_CARD },
		{ 32, 0, "<ussList>" U(KC("UICC_BASED_KEY")) "</ussList>", 0, GBA_NAF_KEY_CARD },
		{ 32, 32, "<ussList>" U(KC("ME_BASED_KEY")) "</ussList>", 0, GBA_NAF_KEY_DEVICE },
		{ 32, 32, "<ussList>" U("<Extension>" KC("ME_BASED_KEY") "</Extension>") "</ussList>", 0,
		  GBA_NAF_KEY_DEVICE },
		{ 32, 32, "<ussList>" U(KC("ME_UICC_BASED_KEYS")) U(KC("of release 30")) "</ussList>", 0,
		  GBA_NAF_KEY_DEVICE | GBA_NAF_KEY_CARD },
		{ 32, 32, "<ussList>" U(KC("ME_BASED_KEY")) U(KC("UICC_BASED_KEY")) "</ussList>", 0, GBA_NAF_KEY_NONE },
		{ 0, 32, NULL, 0, GBA_NAF_KEY_CARD },
		{ 0, 32, "<ussList>" U(KC("ME_BASED_KEY")) "</ussList>", 0, GBA_NAF_KEY_NONE },
		{ 31, 32, NULL, -EPROTO, 0 },
		{ 0, 0, NULL, -EPROTO, 0 },
		{ 32, 32, "<ussList><uss", -EPROTO, 0 },
	};

	for (size_t i = 0; i < sizeof(selections) / sizeof(selections[0]); i++) {
		struct zn_bia bia = { .result = { .code = 2001 },
				      .me_key = { .len = selections[i].me, .b = { 7 } },
				      .uicc_key = { .len = selections[i].uicc, .b = { 8 } } };
		struct gba_naf_key key = { 0 }, none = { 0 };

		bia.uss_list = selections[i].uss ? strdup(selections[i].uss) : NULL;
		bia.uss_list_len = selections[i].uss ? strlen(selections[i].uss) : 0;
		ck_assert_msg(naf_bia_read(&bia, 0, &key) == selections[i].rc && key.use == selections[i].use,
			      "row %zu: %u", i, key.use);
		if (selections[i].rc == 0 && selections[i].me == 0)
			ck_assert_mem_ne(key.key, none.key, GBA_NAF_KEY_LEN); /* no key that anybody knows */
		naf_key_clear(&key);
		zn_bia_clear(&bia);
	}
}
END_TEST

/* 220-4.2.2-3, 220-4.4.6-13: with the USSs as they came */
START_TEST(contents)
{
	struct zn_bia bia = { .result = { .code = 2001 },
			      .me_key = { .len = 32 },
			      .has_times = true,
			      .has_created = true,
			      .expires_at = 2000,
			      .created_at = 1000,
			      .impi = { "a@b.example" },
			      .uss_list = strdup("<ussList/>"),
			      .uss_list_len = 10,
			      .gba_type = ZN_GBA_2G };
	struct gba_naf_key key = { 0 };

	memset(bia.me_key.b, 0x42, 32);
	ck_assert_int_eq(naf_bia_read(&bia, 0, &key), 0);
	ck_assert_mem_eq(key.key, bia.me_key.b, 32);
	ck_assert_int_eq(key.expires_at, 2000);
	ck_assert_int_eq(key.created_at, 1000);
	ck_assert_int_eq(key.gba_type, 1);
	ck_assert_str_eq(key.impi, "a@b.example");
	ck_assert_str_eq(key.uss_list, "<ussList/>");
	ck_assert_uint_eq(key.uss_list_len, 10);
	ck_assert_ptr_null(bia.uss_list);
	zn_bia_clear(&bia);
	naf_key_clear(&key);
}
END_TEST

/* What the BSF did not say is told apart from the first of January 1970; beyond 2104 the 32 bits mean what is near */
START_TEST(times)
{
	static const struct {
		bool has;
		int64_t wire, now, expires;
	} cases[] = {
		{ false, 0, 1800000000, NAF_TIME_NONE },
		{ true, 0, 1800000000, 0 },
		{ true, 1800003600, 1800000000, 1800003600 },
		{ true, -61505152, 1800000000, -61505152 },                 /* 1968, the first that RFC 6733 has */
		{ true, 4300000000 - (1ll << 32), 4300000000, 4300000000 }, /* 2106, as the decoder reads it: 1970 */
		{ true, 4240000000 - (1ll << 32), 4230000000, 4240000000 }, /* 2104 */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct zn_bia bia = { .result = { .code = 2001 },
				      .me_key = { .len = 32 },
				      .has_times = cases[i].has,
				      .has_created = cases[i].has,
				      .expires_at = cases[i].wire,
				      .created_at = cases[i].wire };
		struct gba_naf_key key = { 0 };

		ck_assert_int_eq(naf_bia_read(&bia, cases[i].now, &key), 0);
		ck_assert_int_eq(key.expires_at, cases[i].expires);
		ck_assert_int_eq(key.created_at, cases[i].expires);
	}
}
END_TEST

SUITE("naf_bia", results, key_selection, contents, times)
