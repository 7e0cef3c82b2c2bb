/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What GBA_U changes in a vector. TS 35.208 set 1; MAC* as computed apart (vectors, "gba_u"). */
#include <errno.h>

#include "common/crypto/gba_u.h"
#include "tests/unit/suite.h"

#define AUTN "55f328b43577b9b94a9ffac354dfafb3"
#define IK   "f769bcd751044604127672711c6d3441"

START_TEST(autn_star)
{
	static const struct {
		enum gba_u_hash hash;
		const char *star;
	} rows[] = {
		{ GBA_U_SHA1, "55f328b43577b9b98c7f3f0d723fb244" },
		{ GBA_U_SHA256, "55f328b43577b9b92d83035ab7c3bbf1" },
	};
	struct secret ik = secret_of(IK), cut = ik;
	uint8_t autn[16], out[16];

	octets_of(autn, sizeof(autn), AUTN);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(gba_u_autn(out, autn, &ik, rows[i].hash), 0);
		ck_assert_octets(out, rows[i].star);
		ck_assert_int_eq(gba_u_autn(out, out, &ik, rows[i].hash), 0);
		ck_assert_octets(out, AUTN);
	}
	cut.len = 8;
	memset(out, 0x55, sizeof(out));
	ck_assert_int_eq(gba_u_autn(out, autn, &cut, GBA_U_SHA1), -EINVAL);
	ck_assert_octets(out, "55555555555555555555555555555555");
}
END_TEST

START_TEST(res_star)
{
	struct secret res = secret_of("a54211d5e3ba50bf");

	gba_u_res(&res);
	ck_assert_secret(res, "a54211d5e3ba50be");
	gba_u_res(&res);
	ck_assert_secret(res, "a54211d5e3ba50bf");
}
END_TEST

SUITE("gba_u", autn_star, res_star)
