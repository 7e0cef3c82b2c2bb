/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* SipHash-2-4 against the vectors of its authors (key 00 01 .. 0f, input 00 01 .. n - 1). */
#include "common/crypto/keyed_hash.h"
#include "tests/unit/suite.h"

START_TEST(vectors)
{
	static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	static const struct {
		size_t len;
		uint64_t want;
	} rows[] = {
		{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd },  { 7, 0xab0200f58b01d137 },
		{ 8, 0x93f5f5799a932462 }, { 15, 0xa129ca6149be45e5 }, { 63, 0x958a324ceb064572 },
	};
	uint8_t in[64];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(keyed_hash(key, span_of(in, rows[i].len)) == rows[i].want, "%zu octets: %016llx",
			      rows[i].len, (unsigned long long)keyed_hash(key, span_of(in, rows[i].len)));
}
END_TEST

SUITE("keyed_hash", vectors)
