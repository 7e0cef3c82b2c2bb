/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Malformed requests: a row for each kind, with the code and the Failed-AVP that answer it (RFC 6733 7.1, 7.5). */
#include <errno.h>
#include "common/dia/dia_local.h"
#include "common/dia/zh_wire.h"
#include "common/dia/zn_wire.h"
#include "tests/unit/dia_octets.h"
#include "tests/unit/suite.h"

#define BSF    "bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define HOME   "mnc001.mcc001.pub.3gppnetwork.org"
#define TGPP   DIA_VENDOR_TGPP
#define M      DIA_FLAG_M
#define HEAD_V 12

static struct octets o, in, back;

static const struct dia_grammar *const served[] = { &zn_wire_bir, &zh_wire_mar };
static const char *const realms[] = { HOME, BSF };
static const struct dia_local local = { BSF, realms, 2, served, 2, false };
static const struct dia_self self = { BSF, HOME };

static uint32_t code_of(enum dia_avp_id id)
{
	return dia_dict(id)->code;
}

/* What the answer shows must be readable itself, and lie within limits. */
static void refusal_is_sound(struct span msg, const struct dia_fault *f)
{
	struct dia_iter it;
	struct dia_fault bad;
	struct dia_avp a;
	struct writer w;
	int rc;

	writer_init(&w, back.b, sizeof(back.b));
	back.len = (size_t)dia_build_refusal(&w, msg, &self, f);
	ck_assert_int_gt((int)back.len, DIA_HDR_LEN);
	ck_assert_int_eq(dia_check(&bad, span_of(back.b, back.len), &zn_wire_bia, NULL), 0);
	ck_assert_uint_eq(back.b[4] & DIA_CMD_R, 0);
	ck_assert_int_eq(!!(back.b[4] & DIA_CMD_E), f->code / 1000 == 3);
	ck_assert(dia_wire_find(&a, dia_wire_avps(span_of(back.b, back.len)), AVP_RESULT_CODE));
	ck_assert_uint_eq(dia_wire_u32(&a), f->code);
	/* answer-message of 7.2 has none of the application's */
	if (f->code / 1000 == 3)
		ck_assert(!dia_wire_find(&a, dia_wire_avps(span_of(back.b, back.len)), AVP_VSAI));
	if (!dia_wire_find(&a, dia_wire_avps(span_of(back.b, back.len)), AVP_FAILED_AVP))
		return;
	for (it = dia_wire_inside(&a); (rc = dia_wire_next(&it, &a)) == 1;)
		ck_assert_uint_le(a.whole.len, DIA_FAILED_MAX);
	ck_assert_int_eq(rc, 0);
}

static void judge(struct dia_fault *f)
{
	struct span msg = span_of(o.b, o.len);
	const struct dia_grammar *g = dia_local(f, msg, &local);

	if (g)
		dia_check(f, msg, g, NULL);
	if (f->code)
		refusal_is_sound(msg, f);
}

/* The Failed-AVP. \returns false: none */
static bool failed(struct dia_avp *a, const struct dia_fault *f)
{
	struct span s = dia_fault_avp(f);
	struct dia_iter it;

	if (!s.len)
		return false;
	it = (struct dia_iter){ s.p, s.p + s.len };
	return dia_wire_next(&it, a) == 1;
}

static void add_u32(struct octets *to, enum dia_avp_id id, uint32_t v)
{
	uint8_t b[4];

	be32_put(b, v);
	octets_add(to, code_of(id), dia_dict(id)->flags, dia_dict(id)->vendor, b, 4);
}

static void set_len(struct octets *m, size_t at, uint32_t len)
{
	m->b[at + 5] = len >> 16;
	m->b[at + 6] = len >> 8;
	m->b[at + 7] = len;
}

/* one function for each thing that is done to a good BIR */
static void error_bit(void)
{
	o.b[4] |= DIA_CMD_E;
}

static void reserved_header_bits(void)
{
	o.b[4] |= 0x0f;
}

static void repeated_flag(void)
{
	o.b[4] |= DIA_CMD_T;
}

static void not_proxiable(void)
{
	o.b[4] &= ~DIA_CMD_P;
}

static void other_command(void)
{
	o.b[7] = 0x99;
}

static void other_application(void)
{
	o.b[11] = 0x77;
}

static void realm_not_ours(void)
{
	octets_drop(&o, code_of(AVP_DESTINATION_HOST));
	octets_set(&o, code_of(AVP_DESTINATION_REALM), "elsewhere.example", 17);
}

static void realm_is_a_bsf_name(void)
{
	octets_drop(&o, code_of(AVP_DESTINATION_HOST));
	octets_set(&o, code_of(AVP_DESTINATION_REALM), BSF, strlen(BSF));
}

static void host_not_ours(void)
{
	octets_set(&o, code_of(AVP_DESTINATION_HOST), "other.example", 13);
}

static void host_is_a_realm_of_ours(void)
{
	octets_set(&o, code_of(AVP_DESTINATION_HOST), HOME, strlen(HOME));
}

static void host_without_realm(void)
{
	host_not_ours();
	octets_drop(&o, code_of(AVP_DESTINATION_REALM));
}

static void our_route_record(void)
{
	octets_add(&o, code_of(AVP_ROUTE_RECORD), M, 0, "BSF" /* no case */ ".mnc001.mcc001.pub.3gppnetwork.org",
		   strlen(BSF));
}

static void route_record_of_a_relay(void)
{
	octets_add(&o, code_of(AVP_ROUTE_RECORD), M, 0, "relay:odd", 9);
}

static void avp_shorter_than_its_head(void)
{
	set_len(&o, octets_find(&o, code_of(AVP_NAF_ID), 0, NULL), 11);
}

static void avp_beyond_the_message(void)
{
	set_len(&o, octets_find(&o, code_of(AVP_GBA_U_AWARENESS), 0, NULL), 17);
}

static void avp_of_no_length(void)
{
	set_len(&o, octets_find(&o, code_of(AVP_TRANSACTION_ID), 0, NULL), 0);
}

static void rest_of_four_octets(void)
{
	memset(o.b + o.len, 0, 4);
	o.len += 4;
}

static void inner_avp_beyond_its_group(void)
{
	set_len(&o, octets_find(&o, code_of(AVP_VSAI), 0, NULL) + 8, 64);
}

static void number_of_three_octets(void)
{
	octets_set(&o, code_of(AVP_GBA_U_AWARENESS), "\0\0\1", 3);
}

static void number_of_five_octets(void)
{
	octets_set(&o, code_of(AVP_GBA_U_AWARENESS), "\0\0\0\1\0", 5);
}

static void vendor_zero(void)
{
	size_t at = octets_find(&o, code_of(AVP_NAF_ID), 0, NULL);

	memset(o.b + at + 8, 0, 4);
}

static void vendor_zero_without_m(void)
{
	vendor_zero();
	*octets_flags(&o, code_of(AVP_NAF_ID)) &= (uint8_t)~M;
}

static void vendor_bit_forgotten(void)
{
	octets_drop(&o, code_of(AVP_NAF_ID));
	octets_add(&o, code_of(AVP_NAF_ID), M, 0, "naf.example\1\0\0\0\2", 16);
}

static void vendor_bit_too_many(void)
{
	octets_drop(&o, code_of(AVP_ORIGIN_HOST));
	octets_add(&o, code_of(AVP_ORIGIN_HOST), M, TGPP, "naf.example", 11);
}

static void reserved_avp_bits(void)
{
	*octets_flags(&o, code_of(AVP_NAF_ID)) |= 0x3f;
}

static void unknown_with_m(void)
{
	octets_add(&o, 9999, M, 4711, "zzz", 3);
}

static void unknown_without_m(void)
{
	octets_add(&o, 9999, 0, 4711, "zzz", 3);
}

static void group_with_unknown(uint8_t group_flags)
{
	octets_open(&in, &o, code_of(AVP_VSAI));
	octets_add(&in, 9999, M, 4711, "zzz", 3);
	octets_close(&o, code_of(AVP_VSAI), &in);
	*octets_flags(&o, code_of(AVP_VSAI)) = group_flags;
}

static void unknown_in_group_with_m(void)
{
	group_with_unknown(M);
}

static void unknown_in_group_without_m(void)
{
	group_with_unknown(0);
}

static void tolerated_with_m(void)
{
	static const enum dia_avp_id known[] = { AVP_OC_SUPPORTED_FEATURES, AVP_LOAD, AVP_SESSION_PRIORITY,
						 AVP_SUPPORTED_FEATURES, AVP_PROXY_INFO };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		octets_add(&o, code_of(known[i]), M, dia_dict(known[i])->vendor, "\0\0\0\0", 4);
	add_u32(&o, AVP_DRMP, 3);
	*octets_flags(&o, code_of(AVP_DRMP)) |= M;
}

static void proxy_info_with_more(void)
{
	memset(in.b, 0, in.len = DIA_HDR_LEN);
	octets_add(&in, 9999, M, 4711, "more", 4);
	octets_add(&o, code_of(AVP_PROXY_INFO), M, 0, in.b + DIA_HDR_LEN, in.len - DIA_HDR_LEN);
}

static void vsai_of_nothing(void)
{
	octets_set(&o, code_of(AVP_VSAI), "", 0);
}

static void vsai_without_either(void)
{
	octets_open(&in, &o, code_of(AVP_VSAI));
	octets_drop(&in, code_of(AVP_AUTH_APPLICATION_ID));
	octets_close(&o, code_of(AVP_VSAI), &in);
}

static void vsai_with_both(void)
{
	octets_open(&in, &o, code_of(AVP_VSAI));
	add_u32(&in, AVP_ACCT_APPLICATION_ID, 3);
	octets_close(&o, code_of(AVP_VSAI), &in);
}

static void vsai_in_the_other_order(void)
{
	octets_set(&o, code_of(AVP_VSAI), "\0\0\1\x02\x40\0\0\x0c\1\0\0\4\0\0\1\x0a\x40\0\0\x0c\0\0\x28\xaf", 24);
}

static void application_also_outside(void)
{
	add_u32(&o, AVP_AUTH_APPLICATION_ID, GBA_APP_ZN);
}

static void naf_id_twice(void)
{
	octets_add(&o, code_of(AVP_NAF_ID), M, TGPP, "second\1\0\0\0\2", 11);
}

static void value_no_enum(void)
{
	octets_set(&o, code_of(AVP_GBA_U_AWARENESS), "\0\0\0\2", 4);
}

static void value_no_text(void)
{
	octets_set(&o, code_of(AVP_SESSION_ID), "naf\xff;1", 6);
}

static void value_no_identity(void)
{
	octets_set(&o, code_of(AVP_ORIGIN_HOST), "naf example", 11);
}

static void value_final_dot(void)
{
	octets_set(&o, code_of(AVP_ORIGIN_HOST), "naf.example.", 12);
}

static void value_too_long(void)
{
	static char name[256];

	memset(name, 'a', sizeof(name));
	octets_set(&o, code_of(AVP_ORIGIN_HOST), name, sizeof(name));
}

static void groups_inside_each_other(void)
{
	uint8_t b[12 * 10];
	size_t len = sizeof(b);

	for (uint8_t *p = b; len; p += 12, len -= 12) {
		be32_put(p, code_of(AVP_SIP_AUTH_DATA_ITEM));
		p[4] = DIA_FLAG_V | M;
		p[5] = p[6] = 0;
		p[7] = (uint8_t)len;
		be32_put(p + 8, TGPP);
	}
	octets_add(&o, code_of(AVP_SIP_AUTH_DATA_ITEM), M, TGPP, b, sizeof(b));
}

static void many_avps(void)
{
	for (int i = 0; i < DIA_AVPS_MAX; i++)
		octets_add(&o, code_of(AVP_GSID), M, TGPP, "1", 1);
}

static void long_proxy_info(void)
{
	static uint8_t long_one[DIA_PROXY_INFO_MAX + 1];

	octets_add(&o, code_of(AVP_PROXY_INFO), M, 0, long_one, sizeof(long_one));
}

static void long_offender(void)
{
	static uint8_t long_one[60000];

	octets_add(&o, 9999, M, 4711, long_one, sizeof(long_one));
}

static const struct row {
	const char *what;
	void (*edit)(void);
	uint32_t code, avp, vendor;
	int data_len; /* of the Failed-AVP; -1: as it came */
} rows[] = {
	/* header */
	{ "E in a request", error_bit, 3008, 0, 0, 0 },
	{ "reserved header bits", reserved_header_bits, 0, 0, 0, 0 },
	{ "T", repeated_flag, 0, 0, 0, 0 },
	{ "P clear", not_proxiable, 3008, 0, 0, 0 },
	{ "unknown command", other_command, 3001, 0, 0, 0 },
	{ "application not served", other_application, 3007, 0, 0, 0 },
	/* addressing */
	{ "Destination-Realm not ours", realm_not_ours, 3003, 0, 0, 0 },
	{ "Destination-Realm is a BSF name", realm_is_a_bsf_name, 0, 0, 0, 0 },
	{ "Destination-Host another", host_not_ours, 3002, 0, 0, 0 },
	{ "Destination-Host is a realm of ours", host_is_a_realm_of_ours, 0, 0, 0, 0 },
	{ "Host without Realm", host_without_realm, 3002, 0, 0, 0 },
	{ "own Route-Record", our_route_record, 3005, 0, 0, 0 },
	{ "Route-Record of a relay", route_record_of_a_relay, 0, 0, 0, 0 },
	/* lengths */
	{ "AVP shorter than its head", avp_shorter_than_its_head, 5014, 402, TGPP, 0 },
	{ "AVP beyond the message", avp_beyond_the_message, 5014, 407, TGPP, 4 },
	{ "AVP of no length", avp_of_no_length, 5014, 401, TGPP, 0 },
	{ "less than a head at the end", rest_of_four_octets, 5014, 0, 0, 0 },
	{ "inner AVP beyond its group", inner_avp_beyond_its_group, 5014, 266, 0, 4 },
	{ "number of three octets", number_of_three_octets, 5014, 407, TGPP, 4 },
	{ "number of five octets", number_of_five_octets, 5014, 407, TGPP, -1 },
	/* bits */
	{ "V with vendor 0", vendor_zero, 3009, 402, 0, -1 },
	{ "V with vendor 0, without M", vendor_zero_without_m, 3009, 402, 0, -1 },
	{ "V forgotten", vendor_bit_forgotten, 3009, 402, 0, -1 },
	{ "V where there is none", vendor_bit_too_many, 3009, 264, TGPP, -1 },
	{ "P and reserved bits", reserved_avp_bits, 0, 0, 0, 0 },
	/* unknown */
	{ "unknown with M", unknown_with_m, 5001, 9999, 4711, -1 },
	{ "unknown without M", unknown_without_m, 0, 0, 0, 0 },
	{ "unknown with M in a group with M", unknown_in_group_with_m, 5001, 9999, 4711, -1 },
	{ "unknown with M in a group without", unknown_in_group_without_m, 0, 0, 0, 0 },
	{ "known ones with an M they do not have", tolerated_with_m, 0, 0, 0, 0 },
	{ "Proxy-Info with a further AVP", proxy_info_with_more, 0, 0, 0, 0 },
	/* occurrence */
	{ "VSAI of nothing", vsai_of_nothing, 5005, 266, 0, 4 },
	{ "VSAI without either id", vsai_without_either, 5005, 258, 0, 4 },
	{ "VSAI with both ids", vsai_with_both, 5009, 259, 0, -1 },
	{ "VSAI in the other order", vsai_in_the_other_order, 0, 0, 0, 0 },
	{ "application id also outside", application_also_outside, 0, 0, 0, 0 },
	{ "twice where once", naf_id_twice, 5009, 402, TGPP, -1 },
	/* values */
	{ "enumeration", value_no_enum, 5004, 407, TGPP, -1 },
	{ "no UTF-8", value_no_text, 5004, 263, 0, -1 },
	{ "no DiameterIdentity", value_no_identity, 5004, 264, 0, -1 },
	{ "final dot", value_final_dot, 5004, 264, 0, -1 },
	{ "256 octets of a name", value_too_long, 5004, 264, 0, -1 },
	/* limits */
	{ "groups 9 deep", groups_inside_each_other, 5004, 612, TGPP, -1 },
	{ "257 AVPs", many_avps, 5012, 0, 0, 0 },
	{ "Proxy-Info over 2 kB", long_proxy_info, 5004, 284, 0, -1 },
	{ "offender over 4 KiB: only its head", long_offender, 5001, 9999, 4711, 0 },
};

START_TEST(malformed)
{
	const struct row *r = &rows[_i];
	struct dia_avp a = { 0 };
	struct dia_fault f;

	octets_load(&o, "bir");
	r->edit();
	judge(&f);
	ck_assert_msg(f.code == r->code, "%s: %u", r->what, f.code);
	ck_assert_msg(failed(&a, &f) == (r->avp || (r->code == 5014)), "%s: Failed-AVP", r->what);
	ck_assert_msg(a.code == r->avp, "%s: Failed-AVP %u", r->what, a.code);
	ck_assert_msg(a.vendor == r->vendor, "%s: vendor %u", r->what, a.vendor);
	if (r->data_len >= 0) {
		ck_assert_msg(a.data.len == (size_t)r->data_len, "%s: %zu octets", r->what, a.data.len);
		for (size_t i = 0; i < a.data.len; i++)
			ck_assert_msg(a.data.p[i] == 0, "%s: not zero", r->what);
	} else {
		ck_assert_msg(a.whole.p > o.b && a.whole.p < o.b + o.len, "%s: not the message's own", r->what);
	}
}
END_TEST

/* An agent takes what is for others, but no command, no bits and no loop that others would not take. */
START_TEST(for_others)
{
	static const struct dia_local agent = { BSF, realms, 2, served, 2, true };
	static const struct {
		void (*edit)(void);
		uint32_t code;
	} edits[] = {
		{ realm_not_ours, 0 },      { host_not_ours, 0 },        { host_without_realm, 0 },
		{ our_route_record, 3005 }, { other_application, 3007 }, { other_command, 3001 },
		{ not_proxiable, 3008 },
	};
	struct dia_fault f;

	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		octets_load(&o, "bir");
		edits[i].edit();
		dia_local(&f, span_of(o.b, o.len), &agent);
		ck_assert_msg(f.code == edits[i].code, "%zu: %u", i, f.code);
	}
}
END_TEST

/* Required AVPs of BIR and MAR, among them those a MAR got a vector without: Session-Id, Origin-Host. */
START_TEST(missing)
{
	static const enum dia_avp_id bir[] = { AVP_SESSION_ID,
					       AVP_VSAI,
					       AVP_ORIGIN_HOST,
					       AVP_ORIGIN_REALM,
					       AVP_DESTINATION_REALM,
					       AVP_TRANSACTION_ID,
					       AVP_NAF_ID },
				     mar[] = { AVP_SESSION_ID,  AVP_VSAI,         AVP_AUTH_SESSION_STATE,
					       AVP_ORIGIN_HOST, AVP_ORIGIN_REALM, AVP_DESTINATION_REALM };
	static const struct {
		const char *vector;
		const struct dia_grammar *g;
		const enum dia_avp_id *ids;
		size_t n;
	} commands[] = { { "bir", &zn_wire_bir, bir, 7 }, { "mar", &zh_wire_mar, mar, 6 } };

	for (size_t c = 0; c < 2; c++)
		for (size_t i = 0; i < commands[c].n; i++) {
			enum dia_avp_id id = commands[c].ids[i];
			struct dia_fault f;
			struct dia_avp a;

			octets_load(&o, commands[c].vector);
			ck_assert_int_eq(dia_check(&f, span_of(o.b, o.len), commands[c].g, NULL), 0);
			octets_drop(&o, code_of(id));
			ck_assert_int_eq(dia_check(&f, span_of(o.b, o.len), commands[c].g, NULL), -EBADMSG);
			ck_assert_msg(f.code == 5005 && f.id == id, "%s: %u", dia_dict(id)->name, f.code);
			ck_assert(failed(&a, &f) && a.id == id && a.flags == dia_dict(id)->flags);
			ck_assert_uint_eq(a.data.len, dia_dict_min(dia_dict(id)->type));
			refusal_is_sound(span_of(o.b, o.len), &f);
		}
}
END_TEST

START_TEST(missing_id_of_vsai_shows_both)
{
	struct dia_fault f;
	struct dia_avp a;
	struct dia_iter it;

	octets_load(&o, "bir");
	vsai_without_either();
	judge(&f);
	it = (struct dia_iter){ dia_fault_avp(&f).p, dia_fault_avp(&f).p + dia_fault_avp(&f).len };
	ck_assert(dia_wire_next(&it, &a) == 1 && a.id == AVP_AUTH_APPLICATION_ID);
	ck_assert(dia_wire_next(&it, &a) == 1 && a.id == AVP_ACCT_APPLICATION_ID);
	ck_assert_int_eq(dia_wire_next(&it, &a), 0);
}
END_TEST

START_TEST(avps_of_zpn_are_read_over_and_counted)
{
	unsigned read_over = 77;
	struct dia_fault f;

	octets_load(&o, "bir");
	ck_assert_int_eq(dia_check(&f, span_of(o.b, o.len), &zn_wire_bir, &read_over), 0);
	ck_assert_uint_eq(read_over, 0);
	octets_add(&o, code_of(AVP_UE_ID), M, TGPP, "sip:a@b", 7);
	add_u32(&o, AVP_UICC_ME, 1);
	ck_assert_int_eq(dia_check(&f, span_of(o.b, o.len), &zn_wire_bir, &read_over), 0);
	ck_assert_uint_eq(read_over, 2);
}
END_TEST

START_TEST(two_items_of_a_mar) /* was no answer at all */
{
	struct dia_fault f;
	struct dia_avp a;

	octets_load(&o, "mar");
	octets_twice(&o, code_of(AVP_SIP_AUTH_DATA_ITEM));
	ck_assert_int_eq(dia_check(&f, span_of(o.b, o.len), &zh_wire_mar, NULL), -EBADMSG);
	ck_assert(f.code == 5009 && failed(&a, &f) && a.id == AVP_SIP_AUTH_DATA_ITEM);
	refusal_is_sound(span_of(o.b, o.len), &f);
}
END_TEST

START_TEST(dictionary)
{
	static const char *const order[] = { "a", "A_", "ab", "b" };

	for (int id = AVP_UNKNOWN + 1; id < AVP_COUNT; id++) {
		ck_assert_int_eq((int)dia_dict_find(dia_dict(id)->code, dia_dict(id)->vendor), id);
		ck_assert_int_eq(!!(dia_dict(id)->flags & DIA_FLAG_V), dia_dict(id)->vendor != 0);
	}
	ck_assert_int_eq(dia_dict_find(9999, 0), AVP_UNKNOWN);
	ck_assert_int_eq(dia_dict_find(401, 9), AVP_UNKNOWN);
	/* "_" stands between A and a: folding up would order it the other way */
	for (size_t i = 0; i + 1 < 4; i++) {
		ck_assert_int_lt(dia_dict_identity_cmp(span_str(order[i]), span_str(order[i + 1])), 0);
		ck_assert_int_gt(dia_dict_identity_cmp(span_str(order[i + 1]), span_str(order[i])), 0);
	}
	ck_assert_int_eq(dia_dict_identity_cmp(span_str("NAF.x"), span_str("naf.X")), 0);
	ck_assert(dia_dict_value_ok(AVP_HOST_IP_ADDRESS, span_of("\0\1\x7f\0\0\1", 6)));
	ck_assert(!dia_dict_value_ok(AVP_HOST_IP_ADDRESS, span_of("\0\1\x7f\0\0", 5)));
	ck_assert(!dia_dict_value_ok(AVP_HOST_IP_ADDRESS, span_of("\0\2\x7f\0\0\1", 6)));
	ck_assert(!dia_dict_value_ok(AVP_HOST_IP_ADDRESS, span_of("\0\0", 2)));
	ck_assert(!dia_dict_value_ok(AVP_HOST_IP_ADDRESS, span_of("\0\1\x7f\0\0\1\0", 7)));
	ck_assert(!dia_dict_value_ok(AVP_ORIGIN_HOST, span_of("", 0)));
	ck_assert(dia_dict_value_ok(AVP_SESSION_ID, span_of("a;b", 3)));
	ck_assert(!dia_dict_value_ok(AVP_SESSION_ID, span_of("a\0b", 3)));
}
END_TEST

START_TEST(same_code_of_another_vendor)
{
	struct dia_avp a;

	octets_load(&o, "bir");
	vendor_bit_too_many(); /* an Origin-Host of 3GPP */
	ck_assert(!dia_wire_find(&a, dia_wire_avps(span_of(o.b, o.len)), AVP_ORIGIN_HOST));
	ck_assert(dia_wire_find(&a, dia_wire_avps(span_of(o.b, o.len)), AVP_ORIGIN_REALM));
}
END_TEST

/* An answer later is made of what was kept, and is the same. */
START_TEST(kept_request_makes_the_same_answer)
{
	struct zn_bia bia = { .result = { .code = 2001 }, .has_times = true };
	static uint8_t now[4096], later[4096], kept[4096];
	struct writer w, w2, k;
	int n;

	octets_load(&o, "bir");
	proxy_info_with_more();
	octets_add(&o, code_of(AVP_PROXY_INFO), M, 0, "second", 6);
	writer_init(&k, kept, sizeof(kept));
	ck_assert_int_lt(dia_build_keep(&k, span_of(o.b, o.len)), (int)o.len);
	writer_init(&w, now, sizeof(now));
	writer_init(&w2, later, sizeof(later));
	n = zn_wire_bia_put(&w, span_of(o.b, o.len), &self, &bia);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(zn_wire_bia_put(&w2, span_of(kept, k.len), &self, &bia), n);
	ck_assert_mem_eq(now, later, (size_t)n);
}
END_TEST

/* No room at any length: never half a message, no octet beyond. */
START_TEST(no_room)
{
	struct zn_bia bia = { .result = { .code = 5004 } };
	struct dia_fault f;
	struct writer w;
	uint8_t *mem;
	int whole;

	octets_load(&o, "bir");
	value_no_enum();
	ck_assert_int_eq(dia_check(&f, span_of(o.b, o.len), &zn_wire_bir, NULL), -EBADMSG);
	writer_init(&w, back.b, sizeof(back.b));
	whole = dia_build_refusal(&w, span_of(o.b, o.len), &self, &f);
	for (int cap = 0; cap < whole; cap++) {
		mem = malloc((size_t)cap + 1);
		writer_init(&w, mem, (size_t)cap);
		ck_assert_int_eq(dia_build_refusal(&w, span_of(o.b, o.len), &self, &f), -ENOSPC);
		writer_init(&w, mem, (size_t)cap / 2);
		ck_assert_int_eq(zn_wire_bia_put(&w, span_of(o.b, o.len), &self, &bia), -ENOSPC);
		free(mem);
	}
}
END_TEST

int main(void)
{
	const TTest *const once[] = { missing,
				      missing_id_of_vsai_shows_both,
				      avps_of_zpn_are_read_over_and_counted,
				      dictionary,
				      same_code_of_another_vendor,
				      kept_request_makes_the_same_answer,
				      two_items_of_a_mar,
				      no_room,
				      for_others };
	TCase *cases[2] = { tcase_create("rows"), tcase_create("once") };

	tcase_add_loop_test(cases[0], malformed, 0, sizeof(rows) / sizeof(rows[0]));
	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		tcase_add_test(cases[1], once[i]);
	return suite_run_cases("dia_check", cases, 2);
}
