/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What challenge and session a vector makes. The numbers are those of vector V1 (tests/vectors, group gba), MAC* and the
 * turned RES as computed apart there. */
#include "bsf/ub/make.h"
#include "tests/unit/suite.h"

#define RAND "23553cbe9637a89d218ae64dae47bf35"
#define KS   "b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441"

static struct zh_vector vector(void)
{
	struct zh_vector v = { .kind = ZH_VECTOR_AKA };

	octets_of(v.aka.rand, 16, RAND);
	octets_of(v.aka.autn, 16, "55f328b43577b9b94a9ffac354dfafb3");
	v.aka.res = secret_of("a54211d5e3ba50bf");
	v.aka.ck = secret_of("b40ba9a3c58b2a05bbf0d987b21bf8cb");
	v.aka.ik = secret_of("f769bcd751044604127672711c6d3441");
	return v;
}

static const struct ub_policy policy = { 3600, 7200, 60, true, { DIGEST_MD5, 1 } };
static const struct ub_now now = { 1893495600, 5000 };
static const uint8_t octets[UB_RANDOM_LEN] = { 0xab, 0xcd };

/* 220-3.4-1, 220-5.2.2-1, 220-5.2.2-2, 220-5.3.2-1, 220-5.3.2-3, 220-5.3.2-4, 220-5.3.2-5, 220-5.3.2-10: what the GUSS says
 * and the operator lets chooses the variant; AUTN* and RES differ in GBA_U, nothing else does */
START_TEST(variants)
{
	static const struct {
		bool uicc, allowed;
		enum gba_u_hash hash;
		enum gba_variant variant;
		const char *autn, *xres;
	} rows[] = {
		{ false, true, GBA_U_SHA1, GBA_VARIANT_ME, "55f328b43577b9b94a9ffac354dfafb3", "a54211d5e3ba50bf" },
		{ false, true, GBA_U_SHA256, GBA_VARIANT_ME, "55f328b43577b9b94a9ffac354dfafb3", "a54211d5e3ba50bf" },
		{ true, false, GBA_U_SHA1, GBA_VARIANT_ME, "55f328b43577b9b94a9ffac354dfafb3", "a54211d5e3ba50bf" },
		{ true, true, GBA_U_SHA1, GBA_VARIANT_U, "55f328b43577b9b98c7f3f0d723fb244", "a54211d5e3ba50be" },
		{ true, true, GBA_U_SHA256, GBA_VARIANT_U, "55f328b43577b9b92d83035ab7c3bbf1", "a54211d5e3ba50be" },
	};
	struct zh_vector v = vector();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct guss_facts facts = { .gba_u = rows[i].uicc, .mac_star = rows[i].hash };
		struct ub_policy p = policy;
		struct gba_challenge c = { 0 };
		struct gba_session s = { 0 };

		p.gba_u = rows[i].allowed;
		ck_assert_int_eq(ub_make_challenge(&c, &v, &facts, &p, octets, &now), CAUSE_ub_challenged);
		ck_assert_msg(c.variant == rows[i].variant && c.aka.uicc_gba_u == rows[i].uicc, "row %zu", i);
		ck_assert_uint_eq(c.key_len, 32);
		ck_assert_octets(c.key, RAND);
		ck_assert_octets(c.key + 16, rows[i].autn);
		ck_assert_secret(c.aka.xres, rows[i].xres);
		ck_assert_secret(c.aka.ks, KS);
		ck_assert_str_eq(c.opaque, "abcd0000000000000000000000000000");
		ck_assert_int_eq(ub_make_session(&s, &c, false, now.wall_s), 0);
		ck_assert_int_eq(s.variant, rows[i].variant);
		ck_assert_secret(s.ks, KS);
		/* AKAv2 needs CK and IK, which do not leave a card of GBA_U */
		p.alg.aka_version = 2;
		ck_assert_int_eq(ub_make_challenge(&c, &v, &facts, &p, octets, &now), CAUSE_ub_challenged);
		ck_assert_msg(c.akav2 == (rows[i].variant == GBA_VARIANT_ME), "row %zu", i);
		ck_assert_msg((c.aka.xres.len == 24) == c.akav2, "row %zu", i);
	}
}
END_TEST

/* 33.220 4.2.3: the life is weighed when the challenge is made; both times are those given */
START_TEST(times)
{
	static const struct {
		bool has;
		int64_t guss_s, life_s;
		bool changed;
	} rows[] = {
		{ false, 0, 3600, false },   { true, 77, 77, false },         { true, 7200, 7200, false },
		{ true, 7201, 7200, true },  { true, 0, 3600, true },         { true, -5, 3600, true },
		{ true, 3600, 3600, false }, { true, INT64_MAX, 7200, true },
	};
	struct zh_vector v = vector();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct guss_facts facts = { .has_life_time = rows[i].has, .life_time_s = rows[i].guss_s };
		struct gba_challenge c = { 0 };

		ck_assert_int_eq(ub_make_challenge(&c, &v, &facts, &policy, octets, &now), CAUSE_ub_challenged);
		ck_assert_msg(c.key_life_s == rows[i].life_s, "row %zu", i);
		ck_assert_msg(ub_life_changed(&c, &facts) == rows[i].changed, "row %zu", i);
		ck_assert_int_eq(c.created_at, now.wall_s);
		ck_assert_uint_eq(c.expires_mono_ms, 65000);
	}
}
END_TEST

/* A session begins when it is proven, not when it was challenged; a TMPI has who knows TMPIs */
START_TEST(sessions)
{
	struct guss_facts facts = { 0 };
	struct zh_vector v = vector();

	for (int knows = 0; knows <= 1; knows++) {
		struct gba_challenge c = { .impi = { "u@home.example" }, .bsf_name = "bsf.home.example" };
		struct gba_session s = { 0 };

		ck_assert_int_eq(ub_make_challenge(&c, &v, &facts, &policy, octets, &now), CAUSE_ub_challenged);
		ck_assert_int_eq(ub_make_session(&s, &c, knows, now.wall_s + 50), 0);
		ck_assert_int_eq(s.created_at, now.wall_s + 50);
		ck_assert_int_eq(s.expires_at, now.wall_s + 50 + 3600);
		ck_assert_int_eq(s.has_tmpi, knows);
	}
}
END_TEST

START_TEST(no_vector)
{
	struct guss_facts facts = { 0 };
	struct zh_vector v = vector();
	struct gba_challenge c = { 0 };

	v.kind = ZH_VECTOR_NONE;
	ck_assert_int_eq(ub_make_challenge(&c, &v, &facts, &policy, octets, &now), CAUSE_zh_no_vector);
}
END_TEST

SUITE("ub_make", variants, times, sessions, no_vector)
