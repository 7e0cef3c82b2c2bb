/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* BIR and BIA against the worked messages of tests/vectors/dia and against what nobody should send. */
#include <errno.h>
#include <stdlib.h>
#include "common/dia/zn_wire.h"
#include "tests/unit/dia_octets.h"
#include "tests/unit/suite.h"

#define VENDOR 10415
#define KS_NAF "93668d166fc81bf2fc089744797407aefdd077e807c47be1aaebc8a8328b51d6"

static struct octets o, in;

static const struct dia_self self = { "bsf.example", "example" };

static int decode_bir(struct zn_bir *bir, struct result *bad)
{
	struct dia_fault f;
	int rc = zn_wire_bir_get(bir, span_of(o.b, o.len), &f, NULL);

	*bad = dia_fault_result(&f);
	return rc;
}

static int decode_bia(struct zn_bia *bia)
{
	return zn_wire_bia_get(bia, span_of(o.b, o.len));
}

static void ask(struct octets *out, const char *btid, const struct naf_id *naf, const char (*gsids)[ZN_GSID_MAX + 1],
		size_t n_gsids, bool aware, const char *host)
{
	static uint32_t session;
	struct dia_address to = { .self = &self, .realm = "home.example", .host = host };
	char sid[32];
	struct writer w;

	snprintf(sid, sizeof(sid), "naf.example;1;%u", ++session);
	to.session_id = sid;
	writer_init(&w, out->b, sizeof(out->b));
	ck_assert_int_gt(zn_wire_bir_put(&w, &to, span_str(btid), naf, gsids, n_gsids, aware), 0);
	out->len = w.len;
}

static void answer(const struct zn_bia *bia)
{
	static struct octets request;
	struct writer w;

	request = o;
	writer_init(&w, o.b, sizeof(o.b));
	ck_assert_int_gt(zn_wire_bia_put(&w, span_of(request.b, request.len), &self, bia), 0);
	o.len = w.len;
}

static void refused(uint32_t code, uint32_t avp, uint32_t vendor)
{
	struct zn_bir bir = { .n_gsids = 77 };
	struct result bad = { 0 };

	ck_assert_int_eq(decode_bir(&bir, &bad), -EBADMSG);
	ck_assert_uint_eq(bad.code, code);
	ck_assert_uint_eq(bad.failed_avp, avp);
	ck_assert_uint_eq(bad.failed_vendor, vendor);
	ck_assert_uint_eq(bir.n_gsids, 77); /* untouched */
}

static void accepted(struct zn_bir *bir)
{
	struct result bad = { 0 };

	ck_assert_int_eq(decode_bir(bir, &bad), 0);
}

START_TEST(bir_vector) /* 29.109 5.2 */
{
	struct zn_bir bir;

	octets_load(&o, "bir");
	accepted(&bir);
	ck_assert_str_eq(bir.origin_host, "xcap.ims.mnc001.mcc001.pub.3gppnetwork.org");
	ck_assert_str_eq(bir.peer, "");
	ck_assert(bir.btid_ok);
	ck_assert_str_eq(bir.btid.domain, "bsf.mnc001.mcc001.pub.3gppnetwork.org");
	ck_assert_uint_eq(bir.btid.rand[0], 0x23);
	ck_assert_str_eq(bir.naf_id.fqdn, "xcap.ims.mnc001.mcc001.pub.3gppnetwork.org");
	ck_assert_mem_eq(bir.naf_id.ua, UA_ID_HTTP_DIGEST, UA_ID_LEN);
	ck_assert_uint_eq(bir.n_gsids, 1);
	ck_assert_str_eq(bir.gsids[0], "2");
	ck_assert(!bir.gba_u_aware);
}
END_TEST

struct avp_id {
	uint32_t code, vendor;
};

START_TEST(bir_missing)
{
	static const struct avp_id needed[] = { { 401, VENDOR }, { 402, VENDOR }, { 264, 0 }, { 263, 0 } };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		octets_load(&o, "bir");
		octets_drop(&o, needed[i].code);
		refused(5005, needed[i].code, needed[i].vendor);
	}
}
END_TEST

START_TEST(bir_repeated)
{
	static const struct avp_id single[] = { { 401, VENDOR }, { 402, VENDOR }, { 264, 0 }, { 407, VENDOR } };

	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
		octets_load(&o, "bir");
		octets_twice(&o, single[i].code);
		refused(5009, single[i].code, single[i].vendor);
	}
}
END_TEST

START_TEST(bir_wrong_value)
{
	uint8_t many[300];

	memset(many, 'a', sizeof(many));
	octets_load(&o, "bir");
	octets_set(&o, 402, "\x01\0\0\0\x02", 5); /* no name before the identifier */
	refused(5004, 402, VENDOR);
	octets_set(&o, 402, "", 0);
	refused(5004, 402, VENDOR);
	octets_set(&o, 402, "naf\xff\x01\0\0\0\x02", 9); /* not UTF-8 */
	refused(5004, 402, VENDOR);
	octets_set(&o, 402, many, sizeof(many));
	refused(5004, 402, VENDOR);
	octets_load(&o, "bir");
	octets_set(&o, 401, many, 256);
	refused(5004, 401, VENDOR);
	octets_load(&o, "bir");
	octets_set(&o, 264, many, 256);
	refused(5004, 264, 0);
	octets_set(&o, 264, "a\0b", 3);
	refused(5004, 264, 0);
}
END_TEST

START_TEST(bir_btid_of_another_form) /* unknown, not malformed: 5403 is decided later */
{
	static const struct {
		const char *text;
		size_t len;
	} odd[] = { { "", 0 }, { "x", 1 }, { "AAAA@bsf", 8 }, { "\xff\xfe", 2 }, { "a\0b@c", 5 } };
	struct zn_bir bir;
	size_t i;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		octets_load(&o, "bir");
		octets_set(&o, 401, odd[i].text, odd[i].len);
		accepted(&bir);
		ck_assert_msg(!bir.btid_ok, "%zu", i);
	}
}
END_TEST

START_TEST(bir_gsids) /* 220-4.2.3-6: of a private range, too */
{
	struct zn_bir bir;
	char text[8];
	int i;

	octets_load(&o, "bir");
	octets_drop(&o, 403);
	accepted(&bir);
	ck_assert_uint_eq(bir.n_gsids, 0);
	octets_add(&o, 403, 0x40, VENDOR, "1", 1);
	octets_add(&o, 403, 0x40, VENDOR, "1", 1);              /* asked twice: once */
	octets_add(&o, 403, 0x40, VENDOR, "\0\x0f\x42\x41", 4); /* the number as octets: 1000001 */
	octets_add(&o, 403, 0x40, VENDOR, "x1", 2);             /* selects nothing */
	octets_add(&o, 403, 0x40, VENDOR, "", 0);
	octets_add(&o, 403, 0x40, VENDOR, "12345678901234567", 17);
	octets_add(&o, 403, 0x40, VENDOR, "1\0", 2);
	accepted(&bir);
	ck_assert_uint_eq(bir.n_gsids, 2);
	ck_assert_str_eq(bir.gsids[0], "1");
	ck_assert_str_eq(bir.gsids[1], "1000001");
	for (i = 0; i < ZN_GSIDS_MAX - 2; i++) {
		snprintf(text, sizeof(text), "%d", 100 + i);
		octets_add(&o, 403, 0x40, VENDOR, text, strlen(text));
	}
	accepted(&bir);
	ck_assert_uint_eq(bir.n_gsids, ZN_GSIDS_MAX);
	octets_add(&o, 403, 0x40, VENDOR, "999", 3);
	refused(5009, 403, VENDOR);
}
END_TEST

START_TEST(bir_tolerated) /* other M bits, Auth-Session-State, no application inside, unknown AVPs without M */
{
	struct zn_bir bir;

	octets_load(&o, "bir");
	*octets_flags(&o, 402) &= ~0x40;
	octets_add(&o, 277, 0x40, 0, "\0\0\0\x01", 4);
	octets_add(&o, 9999, 0, 4711, "zzz", 3);
	octets_set(&o, 407, "\0\0\0\x01", 4);
	accepted(&bir);
	ck_assert(bir.gba_u_aware);
	octets_set(&o, 407, "\0\0\0\0", 4);
	accepted(&bir);
	ck_assert(!bir.gba_u_aware);
}
END_TEST

START_TEST(bir_avp_of_foreign_vendor) /* the same code elsewhere is another AVP */
{
	octets_load(&o, "bir");
	octets_drop(&o, 402);
	octets_add(&o, 402, 0, 9, "naf.example.com\x01\0\0\0\x02", 20);
	refused(5005, 402, VENDOR);
	octets_load(&o, "bir");
	octets_drop(&o, 402);
	octets_add(&o, 402, 0, 0, "naf.example.com\x01\0\0\0\x02", 20);
	refused(5005, 402, VENDOR);
}
END_TEST

/* 220-4.4.6-9 host name and 220-4.4.6-23 Ua protocol identifier inside NAF-Id; 220-4.2.2-3, 220-4.4.6-12, 220-4.5.3-11:
 * services */
/* Of more agents than are kept the last ones are, and that there were others is known */
START_TEST(bir_routes)
{
	struct zn_bir bir;
	struct result bad;
	char name[20];

	octets_load(&o, "bir");
	for (unsigned i = 0; i <= ZN_ROUTES; i++) {
		snprintf(name, sizeof(name), "relay%u.example", i);
		octets_add(&o, 282, DIA_FLAG_M, 0, name, strlen(name));
		ck_assert_int_eq(decode_bir(&bir, &bad), 0);
		ck_assert_uint_eq(bir.n_routes, i < ZN_ROUTES ? i + 1 : ZN_ROUTES);
		ck_assert_int_eq(bir.routes_cut, i == ZN_ROUTES);
		ck_assert(span_eq(bir.routes[bir.n_routes - 1], span_str(name)));
	}
	ck_assert(span_eq(bir.routes[0], span_str("relay1.example")));
}
END_TEST

START_TEST(bir_round_trip)
{
	const char gsids[2][ZN_GSID_MAX + 1] = { "1", "1000001" };
	const char *btid = "I1U8vpY3qJ0hiuZNrke/NQ==@bsf.example.org";
	struct naf_id naf;
	struct zn_bir bir;

	ck_assert_int_eq(naf_id_make(&naf, "naf.example.com", UA_ID_HTTP_DIGEST), 0);
	ask(&o, btid, &naf, gsids, 2, true, "bsf.home.example");
	ck_assert_uint_eq(o.b[4], 0xc0);
	ck_assert_uint_eq(be32_get(o.b + 8), 16777220);
	ck_assert_uint_eq(octets_find(&o, 277, 0, NULL), 0); /* Auth-Session-State: not on Zn */
	ck_assert(span_eq(octets_data(&o, 283, 0), span_str("home.example")));
	ck_assert(span_eq(octets_data(&o, 293, 0), span_str("bsf.home.example")));
	ck_assert_uint_eq(*octets_flags(&o, 402), 0xc0);
	octets_open(&in, &o, 260);
	ck_assert_uint_eq(be32_get(octets_data(&in, 258, 0).p), 16777220);
	accepted(&bir);
	ck_assert(bir.btid_ok && bir.gba_u_aware);
	ck_assert_uint_eq(bir.n_gsids, 2);
	ck_assert_str_eq(bir.gsids[1], "1000001");
	ck_assert_str_eq(bir.naf_id.fqdn, "naf.example.com");
	/* each request has its own session */
	ask(&in, btid, &naf, NULL, 0, false, NULL);
	ck_assert(!span_eq(octets_data(&o, 263, 0), octets_data(&in, 263, 0)));
	ck_assert_uint_eq(octets_find(&in, 293, 0, NULL), 0);
	ck_assert_uint_eq(octets_find(&in, 407, 0, NULL), 0);
}
END_TEST

START_TEST(bia_vector)
{
	struct zn_bia bia;
	SECRET_AUTO key = { .len = 32 };

	octets_load(&o, "bia");
	ck_assert_int_eq(decode_bia(&bia), 0);
	hex_decode(key.b, sizeof(key.b), KS_NAF, 64);
	ck_assert(secret_equal(&bia.me_key, &key));
	ck_assert_uint_eq(bia.uicc_key.len, 0);
	ck_assert_uint_eq(bia.result.code, 2001);
	ck_assert(bia.has_times);
	ck_assert_int_eq(bia.created_at, 1767323045); /* 2026-01-02T03:04:05Z */
	ck_assert_int_eq(bia.expires_at, 1767366245);
	ck_assert_str_eq(bia.impi.s, "001010000000001@ims.mnc001.mcc001.3gppnetwork.org");
	ck_assert_uint_eq(bia.uss_list_len, 229);
	ck_assert_int_eq(bia.gba_type, ZN_GBA_3G);
	zn_bia_clear(&bia);
	ck_assert_ptr_null(bia.uss_list);
}
END_TEST

START_TEST(bia_malformed) /* nothing of it is used */
{
	static const struct {
		uint32_t code;
		const char *data;
		size_t len;
	} bad[] = {
		{ 405, "short", 5 }, { 405, "", 0 }, { 404, "123", 3 }, { 408, "12345", 5 }, { 1, "a\0b", 3 },
	};
	static const uint32_t once[] = { 405, 400, 268 };
	struct zn_bia bia = { .gba_type = 77 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		octets_load(&o, "bia");
		octets_set(&o, bad[i].code, bad[i].data, bad[i].len);
		ck_assert_msg(decode_bia(&bia) == -EBADMSG, "%u", bad[i].code);
		ck_assert_int_eq(bia.gba_type, 77);
	}
	for (i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		octets_load(&o, "bia");
		octets_twice(&o, once[i]);
		ck_assert_msg(decode_bia(&bia) == -EBADMSG, "%u", once[i]);
	}
}
END_TEST

START_TEST(bia_tolerated)
{
	struct zn_bia bia;

	octets_load(&o, "bia");
	octets_drop(&o, 408);
	octets_drop(&o, 1);
	octets_drop(&o, 400);
	octets_set(&o, 410, "\0\0\0\x02", 4);
	octets_add(&o, 277, 0x40, 0, "\0\0\0\x01", 4);
	ck_assert_int_eq(decode_bia(&bia), 0);
	ck_assert(bia.has_times && bia.created_at == 0 && bia.expires_at == 1767366245);
	ck_assert_int_eq(bia.gba_type, ZN_GBA_DIGEST);
	zn_bia_clear(&bia);
	octets_drop(&o, 268); /* neither result: no success */
	ck_assert_int_eq(decode_bia(&bia), 0);
	ck_assert_uint_eq(bia.result.code, 0);
	ck_assert_uint_eq(bia.me_key.len, 0);
}
END_TEST

static void put_experimental(uint32_t vendor, uint32_t code)
{
	uint8_t b[4];

	in.len = 20;
	be32_put(b, vendor);
	octets_add(&in, 266, 0x40, 0, b, 4);
	be32_put(b, code);
	octets_add(&in, 298, 0x40, 0, b, 4);
	octets_add(&o, 297, 0x40, 0, in.b + 20, in.len - 20);
}

START_TEST(bia_experimental)
{
	struct zn_bia bia;

	octets_load(&o, "bia");
	octets_drop(&o, 268);
	put_experimental(VENDOR, 5402);
	ck_assert_int_eq(decode_bia(&bia), 0);
	ck_assert(bia.result.experimental && bia.result.code == 5402 && bia.result.vendor == VENDOR);
	ck_assert_str_eq(result_name(&bia.result), "DIAMETER_ERROR_NOT_AUTHORIZED");
	ck_assert_uint_eq(bia.me_key.len, 0); /* no key out of a refusal, even if one is there */
	octets_drop(&o, 297);
	put_experimental(9, 5402);
	ck_assert_int_eq(decode_bia(&bia), 0);
	ck_assert_uint_eq(bia.result.vendor, 9);
	ck_assert_str_eq(result_name(&bia.result), "?");
	octets_load(&o, "bia"); /* both: the refusal counts */
	put_experimental(VENDOR, 5403);
	ck_assert_int_eq(decode_bia(&bia), 0);
	ck_assert(bia.result.experimental && bia.result.code == 5403);
	ck_assert_uint_eq(bia.me_key.len, 0);
	octets_load(&o, "bia");
	octets_drop(&o, 268);
	octets_add(&o, 297, 0x40, 0, "", 0);
	ck_assert_int_eq(decode_bia(&bia), -EBADMSG);
}
END_TEST

START_TEST(bia_round_trip) /* 220-4.4.6-11 key material; 220-4.4.6-19 time of bootstrapping and expiry */
{
	struct zn_bia out = { .result = { .code = 2001 },
			      .has_times = true,
			      .expires_at = 1767366245,
			      .created_at = 1767323045,
			      .gba_type = ZN_GBA_DIGEST },
		      back;
	char uss[] = "<ussList/>";

	memset(out.me_key.b, 0x5a, 32);
	memset(out.uicc_key.b, 0xa5, 32);
	out.me_key.len = out.uicc_key.len = 32;
	strcpy(out.impi.s, "u@h");
	out.uss_list = uss;
	out.uss_list_len = strlen(uss);
	octets_load(&o, "bir");
	in.len = 20;
	octets_add(&in, 280, 0x40, 0, "proxy.example", 13);
	octets_add(&in, 33, 0x40, 0, "state", 5);
	octets_add(&o, 284, 0x40, 0, in.b + 20, in.len - 20);
	answer(&out);
	ck_assert_uint_eq(o.b[4], 0x40);
	ck_assert_uint_eq(be32_get(o.b + 12), 0x33333333); /* hop-by-hop and end-to-end of the request */
	ck_assert_uint_eq(be32_get(o.b + 16), 0x44444444);
	ck_assert(span_eq(octets_data(&o, 263, 0),
			  span_str("xcap.ims.mnc001.mcc001.pub.3gppnetwork.org;1767323100;1;zn")));
	ck_assert(span_eq(octets_data(&o, 284, 0), span_of(in.b + 20, in.len - 20))); /* Proxy-Info comes back */
	ck_assert_uint_eq(octets_find(&o, 277, 0, NULL), 0);
	ck_assert_uint_eq(octets_find(&o, 297, 0, NULL), 0);
	ck_assert_int_eq(decode_bia(&back), 0);
	ck_assert(secret_equal(&back.me_key, &out.me_key) && secret_equal(&back.uicc_key, &out.uicc_key));
	ck_assert(back.has_times && back.expires_at == out.expires_at && back.created_at == out.created_at);
	ck_assert_str_eq(back.impi.s, "u@h");
	ck_assert_str_eq(back.uss_list, uss);
	ck_assert_int_eq(back.gba_type, ZN_GBA_DIGEST);
	zn_bia_clear(&back);
}
END_TEST

START_TEST(bia_refusals) /* 220-4.5.3-13 */
{
	struct zn_bia out = { .result = { .code = 5403, .experimental = true, .vendor = VENDOR } };

	octets_load(&o, "bir");
	answer(&out);
	ck_assert_uint_eq(o.b[4], 0x40);
	ck_assert_uint_eq(octets_find(&o, 268, 0, NULL), 0); /* never both */
	octets_open(&in, &o, 297);
	ck_assert_uint_eq(be32_get(octets_data(&in, 266, 0).p), VENDOR);
	ck_assert_uint_eq(be32_get(octets_data(&in, 298, 0).p), 5403);
	ck_assert_uint_eq(octets_find(&o, 405, 0, NULL), 0);
	ck_assert_uint_eq(octets_find(&o, 410, 0, NULL), 0); /* 3G is left out */
	octets_load(&o, "bir");
	out.result = (struct result){ .code = 3004 };
	answer(&out);
	ck_assert_uint_eq(o.b[4], 0x60); /* protocol errors carry E */
	ck_assert_uint_eq(be32_get(octets_data(&o, 268, 0).p), 3004);
}
END_TEST

#define CODEC   "zn_wire"
#define FAILURE bir_missing
SUITE(CODEC, bir_vector, bir_missing, bir_repeated, bir_wrong_value, bir_btid_of_another_form, bir_gsids, bir_tolerated,
      bir_avp_of_foreign_vendor, bir_routes, bir_round_trip, bia_vector, bia_malformed, bia_tolerated, bia_experimental,
      bia_round_trip, bia_refusals, FAILURE)
