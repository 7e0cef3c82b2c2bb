/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* MAR and MAA against the worked messages of tests/vectors/dia, foreign HSSs, and what nobody should send. */
#include <errno.h>
#include <stdlib.h>
#include "common/dia/dia_redirect.h"
#include "common/dia/zh_wire.h"
#include "tests/unit/dia_octets.h"
#include "tests/unit/suite.h"

#define VENDOR 10415
#define IMPI   "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"

static struct octets o, in;

#define WRONG_LENGTH 5014
static const struct dia_self self = { "hss.example", "example" };

static int decode_mar(struct zh_mar *mar, struct result *bad)
{
	struct dia_fault f;
	int rc = zh_wire_mar_get(mar, span_of(o.b, o.len), &f);

	*bad = dia_fault_result(&f);
	return rc;
}

static void ask(const struct zh_mar *mar, const char *host)
{
	struct dia_address to = { .self = &self, .session_id = "bsf;1;1", .realm = "home.example", .host = host };
	struct writer w;

	writer_init(&w, o.b, sizeof(o.b));
	ck_assert_int_gt(zh_wire_mar_put(&w, &to, mar), 0);
	o.len = w.len;
}

static int decode_maa(struct zh_maa *maa)
{
	return zh_wire_maa_get(maa, span_of(o.b, o.len));
}

static void answer(const struct zh_maa *maa)
{
	static struct octets request;
	struct writer w;

	request = o;
	writer_init(&w, o.b, sizeof(o.b));
	ck_assert_int_gt(zh_wire_maa_put(&w, span_of(request.b, request.len), &self, maa), 0);
	o.len = w.len;
}

static void refused(uint32_t code, uint32_t avp, uint32_t vendor)
{
	struct zh_mar mar = { .guss_timestamp = 77 };
	struct result bad = { 0 };

	ck_assert_int_eq(decode_mar(&mar, &bad), -EBADMSG);
	ck_assert_uint_eq(bad.code, code);
	ck_assert_uint_eq(bad.failed_avp, avp);
	ck_assert_uint_eq(bad.failed_vendor, vendor);
	ck_assert_int_eq(mar.guss_timestamp, 77);
}

static void accepted(struct zh_mar *mar)
{
	struct result bad = { 0 };

	ck_assert_int_eq(decode_mar(mar, &bad), 0);
}

START_TEST(mar_vectors) /* 29.109 4.2 */
{
	struct zh_mar mar;

	octets_load(&o, "mar");
	accepted(&mar);
	ck_assert_str_eq(mar.impi.s, IMPI);
	ck_assert_str_eq(mar.scheme, ZH_SCHEME_AKAV1);
	ck_assert(!mar.has_resync && !mar.has_guss_timestamp);
	octets_load(&o, "mar-resync");
	accepted(&mar);
	ck_assert(mar.has_resync && mar.has_guss_timestamp);
	ck_assert_octets(mar.rand, "23553cbe9637a89d218ae64dae47bf35");
	ck_assert_octets(mar.auts, "ba853f3c123ccf44e93596e355c6");
	ck_assert_int_eq(mar.guss_timestamp, 1767323045);
}
END_TEST

START_TEST(mar_refused)
{
	uint8_t many[300];

	memset(many, 'a', sizeof(many));
	octets_load(&o, "mar");
	octets_drop(&o, 1);
	refused(5005, 1, 0);
	octets_add(&o, 1, 0x40, 0, "", 0);
	refused(5005, 1, 0);
	octets_load(&o, "mar");
	octets_set(&o, 1, many, 256);
	refused(5004, 1, 0);
	octets_load(&o, "mar");
	octets_set(&o, 1, "a\0b", 3);
	refused(5004, 1, 0);
	octets_load(&o, "mar");
	octets_twice(&o, 1);
	refused(5009, 1, 0);
	octets_load(&o, "mar");
	octets_twice(&o, 612);
	refused(5009, 612, VENDOR);
	octets_load(&o, "mar-resync");
	octets_twice(&o, 409);
	refused(5009, 409, VENDOR);
	octets_load(&o, "mar-resync");
	octets_set(&o, 409, "123", 3);
	refused(WRONG_LENGTH, 409, VENDOR);
}
END_TEST

START_TEST(mar_resync_length) /* RAND || AUTS is 30 octets, nothing else */
{
	static const size_t wrong[] = { 0, 1, 14, 16, 29, 31, 60 };
	uint8_t data[60] = { 0 };
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		octets_load(&o, "mar-resync");
		octets_open(&in, &o, 612);
		octets_set(&in, 610, data, wrong[i]);
		octets_close(&o, 612, &in);
		refused(5004, 610, VENDOR);
	}
	octets_load(&o, "mar-resync");
	octets_open(&in, &o, 612);
	octets_twice(&in, 610);
	octets_close(&o, 612, &in);
	refused(5009, 610, VENDOR);
}
END_TEST

START_TEST(mar_tolerated)
{
	struct zh_mar mar;
	char many[ZH_SCHEME_MAX + 2] = "";

	octets_load(&o, "mar");
	octets_drop(&o, 612);                               /* no scheme */
	octets_add(&o, 607, 0x40, VENDOR, "\0\0\0\x01", 4); /* of Cx */
	octets_add(&o, 601, 0x40, VENDOR, "sip:a@b", 7);
	accepted(&mar);
	ck_assert_str_eq(mar.scheme, "");
	octets_drop(&o, 1); /* only the public identity: no IMPI, but a good message */
	accepted(&mar);
	ck_assert_str_eq(mar.impi.s, "");
	octets_load(&o, "mar");
	memset(many, 'x', sizeof(many) - 1);
	octets_open(&in, &o, 612);
	octets_set(&in, 608, many, sizeof(many) - 1);
	octets_close(&o, 612, &in);
	accepted(&mar);
	ck_assert_str_eq(mar.scheme, "?"); /* a scheme nobody has */
	octets_load(&o, "mar-resync");
	*octets_flags(&o, 409) |= 0x40; /* must not be set, is accepted */
	accepted(&mar);
	ck_assert(mar.has_guss_timestamp);
}
END_TEST

START_TEST(mar_round_trip) /* 220-4.4.5-3 */
{
	struct zh_mar mar = { .impi = { IMPI },
			      .scheme = ZH_SCHEME_AKAV1,
			      .has_resync = true,
			      .has_guss_timestamp = true,
			      .guss_timestamp = 1767323045 },
		      back;

	memset(mar.rand, 1, sizeof(mar.rand));
	memset(mar.auts, 2, sizeof(mar.auts));
	ask(&mar, NULL);
	ck_assert_uint_eq(o.b[4], 0xc0);
	ck_assert_uint_eq(be32_get(o.b + 8), 16777221);
	ck_assert_uint_eq(be32_get(octets_data(&o, 277, 0).p), 1);
	octets_open(&in, &o, 260);
	ck_assert_uint_eq(be32_get(octets_data(&in, 258, 0).p), 16777221);
	ck_assert_uint_eq(octets_find(&o, 607, 0, NULL), 0); /* not in the grammar of Zh */
	ck_assert_uint_eq(octets_find(&o, 293, 0, NULL), 0);
	ck_assert_uint_eq(*octets_flags(&o, 409), 0x80); /* M must not */
	ck_assert_uint_eq(*octets_flags(&o, 612), 0xc0);
	ck_assert(span_eq(octets_data(&o, 283, 0), span_str("home.example")));
	accepted(&back);
	ck_assert_str_eq(back.impi.s, IMPI);
	ck_assert_str_eq(back.scheme, ZH_SCHEME_AKAV1);
	ck_assert_mem_eq(back.rand, mar.rand, sizeof(mar.rand));
	ck_assert_mem_eq(back.auts, mar.auts, sizeof(mar.auts));
	ck_assert_int_eq(back.guss_timestamp, mar.guss_timestamp);
	mar = (struct zh_mar){ .impi = { IMPI }, .scheme = ZH_SCHEME_AKAV1 };
	ask(&mar, "hss.example");
	ck_assert_uint_eq(octets_find(&o, 409, 0, NULL), 0);
	octets_open(&in, &o, 612);
	ck_assert_uint_eq(octets_find(&in, 610, 0, NULL), 0);
	ck_assert(span_eq(octets_data(&o, 293, 0), span_str("hss.example")));
}
END_TEST

START_TEST(maa_vectors)
{
	struct zh_maa maa;

	octets_load(&o, "maa");
	ck_assert_int_eq(decode_maa(&maa), 0);
	ck_assert(maa.vector.kind == ZH_VECTOR_AKA && maa.result.code == 2001 && !maa.result.experimental);
	ck_assert_octets(maa.vector.aka.rand, "23553cbe9637a89d218ae64dae47bf35");
	ck_assert_octets(maa.vector.aka.autn, "55f328b43577b9b94a9ffac354dfafb3");
	ck_assert_secret(maa.vector.aka.res, "a54211d5e3ba50bf");
	ck_assert_secret(maa.vector.aka.ck, "b40ba9a3c58b2a05bbf0d987b21bf8cb");
	ck_assert_secret(maa.vector.aka.ik, "f769bcd751044604127672711c6d3441");
	ck_assert_uint_eq(maa.guss.len, 432);
	ck_assert(!memcmp(maa.guss.p, "<?xml", 5));
	octets_load(&o, "maa-5401");
	ck_assert_int_eq(decode_maa(&maa), 0);
	ck_assert(maa.vector.kind == ZH_VECTOR_NONE && maa.result.experimental && maa.result.vendor == VENDOR);
	ck_assert_uint_eq(maa.result.code, 5401);
	ck_assert_uint_eq(maa.guss.len, 0);
}
END_TEST

static int with_item(struct zh_maa *maa, uint32_t code, const void *data, size_t len)
{
	octets_load(&o, "maa");
	octets_open(&in, &o, 612);
	octets_set(&in, code, data, len);
	octets_close(&o, 612, &in);
	return decode_maa(maa);
}

START_TEST(maa_xres_lengths) /* 4..32: Milenage 8, TUAK up to 32 */
{
	uint8_t x[40];
	struct zh_maa maa;
	size_t n;

	memset(x, 7, sizeof(x));
	for (n = 0; n <= 40; n++) {
		bool good = n >= 4 && n <= 32;

		ck_assert_msg(with_item(&maa, 610, x, n) == (good ? 0 : -EBADMSG), "%zu", n);
		if (good)
			ck_assert(maa.vector.kind == ZH_VECTOR_AKA && maa.vector.aka.res.len == n);
	}
}
END_TEST

static void redirect_to(const struct zh_redirect *r)
{
	struct octets request = o;
	struct writer w;

	writer_init(&w, o.b, sizeof(o.b));
	ck_assert_int_gt(dia_redirect_put(&w, span_of(request.b, request.len), &self, r), 0);
	o.len = w.len;
}

START_TEST(redirect_round_trip)
{
	struct zh_redirect r = { { "hss1.example", "HSS2.example", "a..b" }, 3, ZH_REDIRECT_USER, 60 }, got;
	const struct zh_mar mar = { .impi = { IMPI }, .scheme = ZH_SCHEME_AKAV1 };
	struct zh_maa maa;

	ask(&mar, "slf.example");
	redirect_to(&r);
	ck_assert_int_eq(decode_maa(&maa), 0);
	ck_assert_uint_eq(maa.result.code, RESULT_REDIRECT);
	ck_assert_int_eq(dia_redirect_get(&got, span_of(o.b, o.len)), 0);
	ck_assert_uint_eq(got.n, 2); /* what is no name is left out */
	ck_assert_str_eq(got.hosts[0], "hss1.example");
	ck_assert_str_eq(got.hosts[1], "HSS2.example");
	ck_assert_uint_eq(got.usage, ZH_REDIRECT_USER);
	ck_assert_uint_eq(got.cache_s, 60);
	for (unsigned i = 0; i < ZH_REDIRECT_HOSTS; i++) /* and what there is no room for */
		octets_add(&o, 292, DIA_FLAG_M, 0, "aaa://more.example", 18);
	ck_assert_int_eq(dia_redirect_get(&got, span_of(o.b, o.len)), 0);
	ck_assert_uint_eq(got.n, ZH_REDIRECT_HOSTS);
	ck_assert_str_eq(got.hosts[ZH_REDIRECT_HOSTS - 1], "more.example");
	got.n = 2;
	r = (struct zh_redirect){ { "a..b" }, 1, ZH_REDIRECT_ONCE, 60 };
	ask(&mar, "slf.example");
	redirect_to(&r);
	ck_assert_int_eq(dia_redirect_get(&got, span_of(o.b, o.len)), -EBADMSG);
	ck_assert_uint_eq(got.n, 2); /* untouched */
}
END_TEST

START_TEST(repeated_has_t)
{
	const struct zh_mar mar = { .impi = { IMPI }, .scheme = ZH_SCHEME_AKAV1 };
	struct dia_address to = { .self = &self, .session_id = "bsf;1;1", .realm = "home.example", .end_to_end = 7 };

	for (int repeated = 0; repeated < 2; repeated++) {
		struct writer w;
		struct dia_hdr hdr;

		to.repeated = repeated;
		writer_init(&w, o.b, sizeof(o.b));
		ck_assert_int_gt(zh_wire_mar_put(&w, &to, &mar), 0);
		dia_wire_hdr(&hdr, o.b);
		ck_assert_uint_eq(hdr.flags, DIA_CMD_R | DIA_CMD_P | (repeated ? DIA_CMD_T : 0));
		ck_assert_uint_eq(hdr.end_to_end, 7);
	}
}
END_TEST

START_TEST(maa_malformed)
{
	static const struct {
		uint32_t code;
		size_t len;
	} bad[] = {
		{ 609, 31 }, { 609, 33 }, { 609, 0 }, { 609, 16 }, { 625, 15 }, { 625, 0 }, { 626, 17 }, { 626, 32 }
	};
	static const uint32_t twice[] = { 609, 610, 625, 626 };
	struct zh_maa maa = { .guss = { .len = 77 } };
	uint8_t x[40] = { 0 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(with_item(&maa, bad[i].code, x, bad[i].len) == -EBADMSG, "%zu", i);
	for (i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
		octets_load(&o, "maa");
		octets_open(&in, &o, 612);
		octets_twice(&in, twice[i]);
		octets_close(&o, 612, &in);
		ck_assert_msg(decode_maa(&maa) == -EBADMSG, "%zu", i);
	}
	octets_load(&o, "maa");
	octets_twice(&o, 400);
	ck_assert_int_eq(decode_maa(&maa), -EBADMSG);
	octets_load(&o, "maa");
	octets_twice(&o, 268);
	ck_assert_int_eq(decode_maa(&maa), -EBADMSG);
	ck_assert_uint_eq(maa.guss.len, 77); /* untouched */
}
END_TEST

START_TEST(maa_without_vector)
{
	static const uint32_t parts[] = { 609, 610, 625, 626 };
	static const uint8_t zero[sizeof(struct zh_vector)];
	struct zh_maa maa;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		octets_load(&o, "maa");
		octets_open(&in, &o, 612);
		octets_drop(&in, parts[i]);
		octets_close(&o, 612, &in);
		ck_assert_int_eq(decode_maa(&maa), 0);
		ck_assert_msg(maa.vector.kind == ZH_VECTOR_NONE, "%u", parts[i]);
		ck_assert_mem_eq(&maa.vector, zero, sizeof(zero)); /* no half vector either */
	}
	octets_load(&o, "maa"); /* beside an error */
	octets_set(&o, 268, "\0\0\x13\x94", 4);
	ck_assert_int_eq(decode_maa(&maa), 0);
	ck_assert(maa.result.code == 5012 && maa.vector.kind == ZH_VECTOR_NONE && !maa.guss.len);
	octets_load(&o, "maa");
	octets_drop(&o, 612);
	ck_assert_int_eq(decode_maa(&maa), 0);
	ck_assert(maa.vector.kind == ZH_VECTOR_NONE);
	ck_assert_int_eq(with_item(&maa, 608, "SIP Digest", 10), 0);
	ck_assert(maa.vector.kind == ZH_VECTOR_NONE);
	octets_load(&o, "maa");
	octets_set(&o, 612, "", 0);
	ck_assert_int_eq(decode_maa(&maa), 0);
	ck_assert(maa.vector.kind == ZH_VECTOR_NONE);
}
END_TEST

START_TEST(maa_of_foreign_hss)
{
	struct zh_maa maa;

	octets_load(&o, "maa");
	octets_open(&in, &o, 260); /* the Cx application inside */
	octets_set(&in, 258, "\x01\0\0\0", 4);
	octets_close(&o, 260, &in);
	octets_add(&o, 607, 0x40, VENDOR, "\0\0\0\x01", 4); /* SIP-Number-Auth-Items */
	octets_open(&in, &o, 612);
	octets_add(&in, 613, 0x40, VENDOR, "\0\0\0\x01", 4); /* SIP-Item-Number */
	octets_drop(&in, 608);
	octets_close(&o, 612, &in);
	*octets_flags(&o, 400) &= ~0x40;
	*octets_flags(&o, 612) &= ~0x40;
	octets_drop(&o, 1);
	octets_drop(&o, 277);
	octets_set(&o, 400, "", 0);
	ck_assert_int_eq(decode_maa(&maa), 0);
	ck_assert(maa.vector.kind == ZH_VECTOR_AKA);
	ck_assert_uint_eq(maa.guss.len, 0);
	octets_twice(&o, 612); /* a second vector nobody asked for */
	ck_assert_int_eq(decode_maa(&maa), 0);
	ck_assert(maa.vector.kind == ZH_VECTOR_AKA);
	octets_load(&o, "maa-5401"); /* Cx code 5001 and vendor left out */
	octets_open(&in, &o, 297);
	octets_drop(&in, 266);
	octets_set(&in, 298, "\0\0\x13\x89", 4);
	octets_close(&o, 297, &in);
	ck_assert_int_eq(decode_maa(&maa), 0);
	ck_assert(maa.result.experimental && maa.result.code == RESULT_X_CX_USER_UNKNOWN &&
		  maa.result.vendor == VENDOR);
}
END_TEST

START_TEST(maa_with_unknown_avps) /* RFC 6733 4.1: an answer one must understand and does not is no answer */
{
	struct zh_maa maa;

	octets_load(&o, "maa");
	octets_add(&o, 9999, 0, 4711, "zzz", 3);
	octets_add(&o, dia_dict(AVP_OC_OLR)->code, DIA_FLAG_M, 0, "\0\0\0\0", 4);    /* known, and read over */
	octets_add(&o, dia_dict(AVP_ROUTE_RECORD)->code, DIA_FLAG_M, 0, "relay", 5); /* relays append them to answers */
	ck_assert_int_eq(decode_maa(&maa), 0);
	ck_assert(maa.vector.kind == ZH_VECTOR_AKA);
	o.b[4] |= DIA_CMD_T; /* says nothing in an answer */
	ck_assert_int_eq(decode_maa(&maa), 0);
	octets_add(&o, 9999, DIA_FLAG_M, 4711, "zzz", 3);
	ck_assert_int_eq(decode_maa(&maa), -EBADMSG);
}
END_TEST

START_TEST(maa_empty)
{
	struct zh_maa maa;

	octets_load(&o, "maa");
	o.len = 20;
	be32_put(o.b, 0x01000014);
	ck_assert_int_eq(decode_maa(&maa), 0);
	ck_assert_uint_eq(maa.result.code, 0); /* no success */
	ck_assert(maa.vector.kind == ZH_VECTOR_NONE);
}
END_TEST

START_TEST(maa_round_trip) /* 220-4.4.5-4 */
{
	struct zh_maa maa = { .result = { .code = 2001 }, .vector.kind = ZH_VECTOR_AKA, .guss = span_str("<guss/>") },
		      back;

	memset(maa.vector.aka.rand, 1, 16);
	memset(maa.vector.aka.autn, 2, 16);
	memset(maa.vector.aka.res.b, 3, 16);
	memset(maa.vector.aka.ck.b, 4, 16);
	memset(maa.vector.aka.ik.b, 5, 16);
	maa.vector.aka.res.len = maa.vector.aka.ck.len = maa.vector.aka.ik.len = 16;
	octets_load(&o, "mar");
	answer(&maa);
	ck_assert_uint_eq(o.b[4], 0x40);
	ck_assert_uint_eq(be32_get(octets_data(&o, 277, 0).p), 1);
	ck_assert(span_eq(octets_data(&o, 1, 0), span_str(IMPI)));
	ck_assert_uint_eq(octets_find(&o, 607, 0, NULL), 0);
	ck_assert_uint_ne(octets_find(&o, 612, 0, NULL), 0);
	ck_assert_uint_eq(octets_find(&o, 612, 1, NULL), 0); /* one vector */
	ck_assert_int_eq(decode_maa(&back), 0);
	ck_assert(back.vector.kind == ZH_VECTOR_AKA);
	ck_assert_mem_eq(back.vector.aka.rand, maa.vector.aka.rand, 16);
	ck_assert_mem_eq(back.vector.aka.autn, maa.vector.aka.autn, 16);
	ck_assert(secret_equal(&back.vector.aka.res, &maa.vector.aka.res));
	ck_assert(secret_equal(&back.vector.aka.ck, &maa.vector.aka.ck) &&
		  secret_equal(&back.vector.aka.ik, &maa.vector.aka.ik));
	ck_assert(span_eq(back.guss, maa.guss));
	zh_maa_clear(&maa);
	ck_assert_uint_eq(maa.vector.aka.ck.b[0], 0);
	maa.result = (struct result){ .code = 5401, .experimental = true, .vendor = VENDOR };
	octets_load(&o, "mar");
	answer(&maa);
	ck_assert_uint_eq(octets_find(&o, 268, 0, NULL), 0);
	ck_assert_uint_eq(octets_find(&o, 612, 0, NULL), 0);
	ck_assert_int_eq(decode_maa(&back), 0);
	ck_assert_uint_eq(back.result.code, 5401);
}
END_TEST

#define CODEC   "zh_wire"
#define FAILURE maa_with_unknown_avps
SUITE(CODEC, mar_vectors, mar_refused, mar_resync_length, mar_tolerated, mar_round_trip, maa_vectors, maa_xres_lengths,
      maa_malformed, redirect_round_trip, repeated_has_t, maa_without_vector, maa_of_foreign_hss, maa_empty,
      maa_round_trip, FAILURE)
