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
	bool is_open;
	int rc;
} rows[] = {
	{ false, 0, 2001, 32, true, 0 },          { false, 0, 2001, 32, false, 0 },
	{ false, 0, 2001, 0, true, -EPROTO },     { false, 0, 2001, 31, true, -EPROTO },
	{ false, 0, 2001, 33, true, -EPROTO },    { false, 0, 2002, 32, true, -EPROTO },
	{ false, 0, 3002, 0, true, -EPROTO },     { false, 0, 3002, 0, false, -EHOSTDOWN },
	{ true, 10415, 3002, 0, false, -EPROTO }, { false, 0, 3004, 0, true, -EPROTO },
	{ false, 0, 5012, 32, true, -EPROTO },    { false, 0, 5402, 32, true, -EPROTO },
	{ false, 0, 5403, 32, true, -EPROTO },    { true, 10415, 2001, 32, true, -EPROTO },
	{ true, 10415, 5402, 32, true, -EPERM },  { true, 10415, 5403, 32, true, -ENOENT },
	{ true, 10415, 5401, 32, true, -EPROTO }, { true, 9, 5402, 32, true, -EPROTO },
	{ true, 9, 5403, 32, true, -EPROTO },
};

START_TEST(results)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct zn_bia bia = { .result = { .experimental = rows[i].experimental,
						  .vendor = rows[i].vendor,
						  .code = rows[i].code },
				      .me_key = { .len = rows[i].key_len, .b = { 7 } } };
		struct gba_naf_key key = { 0 }, none = { 0 };

		ck_assert_msg(naf_bia_read(&bia, rows[i].is_open, &key) == rows[i].rc, "row %zu", i);
		if (rows[i].rc)
			ck_assert_mem_eq(&key, &none, sizeof(key));
		else
			ck_assert_uint_eq(key.key[0], 7);
	}
}
END_TEST

START_TEST(contents)
{
	struct zn_bia bia = { .result = { .code = 2001 },
			      .me_key = { .len = 32 },
			      .has_times = true,
			      .expires_at = 2000,
			      .created_at = 1000,
			      .impi = { "a@b.example" },
			      .uss_list = strdup("<ussList/>"),
			      .uss_list_len = 10,
			      .gba_type = ZN_GBA_2G };
	struct gba_naf_key key = { 0 };

	memset(bia.me_key.b, 0x42, 32);
	ck_assert_int_eq(naf_bia_read(&bia, true, &key), 0);
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

SUITE("naf_bia", results, contents)
