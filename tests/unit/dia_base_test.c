/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* CER to DPA as structs and octets, what is wrong with them, and the cutting of a stream into messages. */
#include <errno.h>
#include <stdio.h>
#include "common/dia/dia_base.h"
#include "common/dia/dia_frame.h"
#include "tests/unit/dia_octets.h"
#include "tests/unit/suite.h"

static struct octets o, in, back;

static const struct dia_caps us = {
	.host = "bsf.example",
	.realm = "example",
	.vendor_id = 1,
	.product = "gba-bsfd",
	.has_state = true,
	.state = 1700000000,
	.apps = { GBA_APP_ZH, GBA_APP_ZN },
	.n_apps = 2,
	.no_tls = true,
	.ip = { { 0, 1, 127, 0, 0, 1 } },
	.ip_len = { 6 },
	.n_ips = 1,
};

static struct span msg(void)
{
	return span_of(o.b, o.len);
}

static void begin(struct writer *w)
{
	writer_init(w, o.b, sizeof(o.b));
}

static void a_cer(void)
{
	struct writer w;

	begin(&w);
	o.len = (size_t)dia_base_cer_put(&w, &us, 7, 8);
	ck_assert_int_gt((int)o.len, DIA_HDR_LEN);
}

static uint32_t code_of(enum dia_avp_id id)
{
	return dia_dict(id)->code;
}

static void drop(enum dia_avp_id id)
{
	octets_drop(&o, code_of(id));
}

static void add_u32(enum dia_avp_id id, uint32_t v)
{
	uint8_t b[4];

	be32_put(b, v);
	octets_add(&o, code_of(id), DIA_FLAG_M, 0, b, 4);
}

START_TEST(cer_round_trip)
{
	struct dia_fault bad;
	struct dia_caps c;
	struct dia_hdr h;

	a_cer();
	dia_wire_hdr(&h, o.b);
	ck_assert(h.version == 1 && h.len == o.len && h.flags == DIA_CMD_R && h.command == 257 && h.app == 0);
	ck_assert(h.hop_by_hop == 7 && h.end_to_end == 8);
	ck_assert_int_eq(dia_base_cer_get(&c, msg(), &bad), 0);
	ck_assert_str_eq(c.host, us.host);
	ck_assert_str_eq(c.realm, us.realm);
	ck_assert_str_eq(c.product, us.product);
	ck_assert(c.has_state && c.state == us.state && c.vendor_id == 1);
	ck_assert(c.n_apps == 2 && c.apps[0] == GBA_APP_ZH && c.apps[1] == GBA_APP_ZN && !c.relay);
	ck_assert(!c.security_offered && c.no_tls && !c.tls);
	ck_assert(dia_base_common(&c, &us));
}
END_TEST

START_TEST(cer_faults)
{
	static const struct {
		enum dia_avp_id drop;
		uint32_t code;
	} rows[] = { { AVP_ORIGIN_HOST, 5005 },     { AVP_ORIGIN_REALM, 5005 }, { AVP_HOST_IP_ADDRESS, 5005 },
		     { AVP_VENDOR_ID, 5005 },       { AVP_PRODUCT_NAME, 5005 }, { AVP_ORIGIN_STATE_ID, 0 },
		     { AVP_SUPPORTED_VENDOR_ID, 0 } };
	struct dia_caps c = { .state = 77 };
	struct dia_fault bad;
	struct dia_avp a;
	struct writer w;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a_cer();
		drop(rows[i].drop);
		ck_assert_int_eq(dia_base_cer_get(&c, msg(), &bad), rows[i].code ? -EBADMSG : 0);
		ck_assert_uint_eq(bad.code, rows[i].code);
		if (!rows[i].code)
			continue;
		/* the CEA says which */
		writer_init(&w, back.b, sizeof(back.b));
		back.len = (size_t)dia_base_cea_put(&w, msg(), &us, &bad, NULL);
		ck_assert(dia_wire_find(&a, dia_wire_avps(span_of(back.b, back.len)), AVP_FAILED_AVP));
		ck_assert(dia_wire_find(&a, dia_wire_inside(&a), rows[i].drop));
	}
	a_cer();
	octets_twice(&o, code_of(AVP_ORIGIN_HOST));
	ck_assert(dia_base_cer_get(&c, msg(), &bad) == -EBADMSG && bad.code == 5009);
	a_cer();
	octets_add(&o, 9999, DIA_FLAG_M, 0, "x", 1);
	ck_assert(dia_base_cer_get(&c, msg(), &bad) == -EBADMSG && bad.code == 5001);
	a_cer();
	octets_set(&o, code_of(AVP_ORIGIN_HOST), "bad name", 8);
	ck_assert(dia_base_cer_get(&c, msg(), &bad) == -EBADMSG && bad.code == 5004);
	a_cer();
	octets_open(&in, &o, code_of(AVP_VSAI)); /* a VSAI that ended a process: an AVP that is no identifier inside */
	octets_add(&in, code_of(AVP_SESSION_ID), DIA_FLAG_M, 0, "x", 1);
	octets_close(&o, code_of(AVP_VSAI), &in);
	ck_assert_int_eq(dia_base_cer_get(&c, msg(), &bad), 0);
}
END_TEST

START_TEST(common_applications) /* 5.3: all ids, Vendor-Id ignored, relay with all */
{
	static const struct dia_caps zn = { .apps = { GBA_APP_ZN }, .n_apps = 1 },
				     cx = { .apps = { 16777216 }, .n_apps = 1 }, relay = { .relay = true },
				     none = { .n_apps = 0 };
	struct dia_fault bad;
	struct dia_caps c;

	ck_assert(dia_base_common(&us, &zn) && !dia_base_common(&us, &cx));
	ck_assert(dia_base_common(&us, &relay) && dia_base_common(&relay, &zn) && dia_base_common(&relay, &relay));
	ck_assert(!dia_base_common(&us, &none) && !dia_base_common(&relay, &none));
	a_cer();
	while (octets_find(&o, code_of(AVP_VSAI), 0, NULL))
		drop(AVP_VSAI);
	add_u32(AVP_AUTH_APPLICATION_ID, GBA_APP_ZN);
	add_u32(AVP_ACCT_APPLICATION_ID, 3);
	add_u32(AVP_AUTH_APPLICATION_ID, DIA_APP_RELAY);
	add_u32(AVP_AUTH_APPLICATION_ID, GBA_APP_ZN);
	ck_assert_int_eq(dia_base_cer_get(&c, msg(), &bad), 0);
	ck_assert(c.n_apps == 2 && c.apps[0] == GBA_APP_ZN && c.apps[1] == 3 && c.relay);
	memset(in.b, 0, in.len = DIA_HDR_LEN);
	octets_add(&in, code_of(AVP_ACCT_APPLICATION_ID), DIA_FLAG_M, 0, "\0\0\0\5", 4);
	octets_add(&in, code_of(AVP_VENDOR_ID), DIA_FLAG_M, 0, "\0\0\x28\xaf", 4);
	octets_add(&o, code_of(AVP_VSAI), DIA_FLAG_M, 0, in.b + DIA_HDR_LEN, in.len - DIA_HDR_LEN);
	ck_assert_int_eq(dia_base_cer_get(&c, msg(), &bad), 0);
	ck_assert(c.n_apps == 3 && c.apps[2] == 5);
	for (uint32_t i = 0; i < 100; i++) /* more than are kept: no fault */
		add_u32(AVP_AUTH_APPLICATION_ID, 1000 + i);
	ck_assert_int_eq(dia_base_cer_get(&c, msg(), &bad), 0);
	ck_assert_uint_eq(c.n_apps, DIA_BASE_APPS_MAX);
}
END_TEST

START_TEST(inband_security)
{
	struct dia_fault bad;
	struct dia_caps c;

	a_cer();
	add_u32(AVP_INBAND_SECURITY_ID, 2); /* a way that nobody has defined */
	ck_assert_int_eq(dia_base_cer_get(&c, msg(), &bad), 0);
	ck_assert(c.security_offered && !c.tls && !c.no_tls);
	a_cer();
	add_u32(AVP_INBAND_SECURITY_ID, 1);
	ck_assert_int_eq(dia_base_cer_get(&c, msg(), &bad), 0);
	ck_assert(c.security_offered && c.tls && !c.no_tls);
	add_u32(AVP_INBAND_SECURITY_ID, 0);
	ck_assert_int_eq(dia_base_cer_get(&c, msg(), &bad), 0);
	ck_assert(c.tls && c.no_tls);
}
END_TEST

START_TEST(cea)
{
	struct dia_fault refused = { .code = DIA_UNKNOWN_PEER };
	struct dia_caps c;
	struct writer w;
	uint32_t code;

	a_cer();
	in = o;
	begin(&w);
	o.len = (size_t)dia_base_cea_put(&w, span_of(in.b, in.len), &us, NULL, NULL);
	ck_assert_int_eq(dia_base_cea_get(&c, &code, msg()), 0);
	ck_assert(code == 2001 && c.n_apps == 2 && !strcmp(c.host, us.host) && o.b[4] == 0);
	drop(AVP_HOST_IP_ADDRESS); /* of strange peers */
	drop(AVP_PRODUCT_NAME);
	drop(AVP_VENDOR_ID);
	ck_assert_int_eq(dia_base_cea_get(&c, &code, msg()), 0);
	drop(AVP_RESULT_CODE);
	ck_assert_int_eq(dia_base_cea_get(&c, &code, msg()), 0);
	ck_assert_uint_eq(code, 0);
	drop(AVP_ORIGIN_HOST);
	ck_assert_int_eq(dia_base_cea_get(&c, &code, msg()), -EBADMSG);
	begin(&w);
	o.len = (size_t)dia_base_cea_put(&w, span_of(in.b, in.len), &us, &refused, NULL);
	ck_assert_uint_eq(o.b[4], DIA_CMD_E);
	ck_assert_uint_eq(octets_find(&o, code_of(AVP_VSAI), 0, NULL), 0);
	ck_assert_int_eq(dia_base_cea_get(&c, &code, msg()), 0);
	ck_assert_uint_eq(code, 3010);
	ck_assert_uint_eq(be32_get(o.b + 12), 7);
}
END_TEST

START_TEST(words_and_replies)
{
	struct dia_fault bad;
	struct dia_word word;
	struct writer w;

	begin(&w);
	o.len = (size_t)dia_base_word_put(&w, &dia_base_dwr, &us, 0, 5, 6);
	ck_assert_int_eq(dia_base_word_get(&word, msg(), &dia_base_dwr, &bad), 0);
	ck_assert(word.has_state && word.state == us.state && !strcmp(word.host, us.host));
	in = o;
	begin(&w);
	o.len = (size_t)dia_base_reply_put(&w, span_of(in.b, in.len), &us, NULL);
	ck_assert_int_eq(dia_base_reply_check(msg(), &dia_base_dwa), 0);
	ck_assert(be32_get(o.b + 12) == 5 && be32_get(o.b + 16) == 6 && o.b[4] == 0 && o.b[7] == 280 - 256);
	ck_assert_uint_eq(be32_get(octets_data(&o, code_of(AVP_ORIGIN_STATE_ID), 0).p), us.state);
	for (unsigned cause = 0; cause <= 3; cause++) {
		begin(&w);
		o.len = (size_t)dia_base_word_put(&w, &dia_base_dpr, &us, cause, 5, 6);
		ck_assert_int_eq(dia_base_word_get(&word, msg(), &dia_base_dpr, &bad), cause < 3 ? 0 : -EBADMSG);
		if (cause < 3)
			ck_assert_uint_eq(word.cause, cause);
		else
			ck_assert_uint_eq(bad.code, 5004);
	}
	drop(AVP_DISCONNECT_CAUSE);
	ck_assert(dia_base_word_get(&word, msg(), &dia_base_dpr, &bad) == -EBADMSG && bad.code == 5005);
	in = o;
	begin(&w);
	o.len = (size_t)dia_base_reply_put(&w, span_of(in.b, in.len), &us, &bad);
	ck_assert_uint_eq(be32_get(octets_data(&o, code_of(AVP_RESULT_CODE), 0).p), 5005);
	ck_assert_uint_eq(o.b[4], 0);                                                 /* E is for 3xxx */
	ck_assert_uint_eq(octets_find(&o, code_of(AVP_ORIGIN_STATE_ID), 0, NULL), 0); /* none in a DPA (5.4.2) */
	ck_assert_uint_ne(octets_find(&o, code_of(AVP_FAILED_AVP), 0, NULL), 0);
}
END_TEST

/* A stream that comes in pieces: what is found does not depend on where it was cut. */
static size_t cut(const uint8_t *p, size_t len, size_t limit, const size_t *ends, size_t n_ends, size_t *messages)
{
	size_t taken = 0;

	*messages = 0;
	for (size_t i = 0; i <= n_ends; i++) {
		size_t have = i < n_ends ? ends[i] : len;
		struct dia_frame f;

		for (dia_frame(&f, p + taken, have - taken, limit); f.is == DIA_FRAME_WHOLE;
		     dia_frame(&f, p + taken, have - taken, limit)) {
			taken += f.len;
			++*messages;
		}
		if (f.is == DIA_FRAME_BAD)
			return SIZE_MAX;
		ck_assert(f.need > have - taken && f.need <= limit);
	}
	return taken;
}

START_TEST(every_split)
{
	static const char *const vectors[] = { "bir", "bia", "mar", "mar-resync", "maa", "maa-5401" };
	size_t messages;

	for (size_t v = 0; v < sizeof(vectors) / sizeof(vectors[0]); v++) {
		octets_load(&o, vectors[v]);
		memcpy(o.b + o.len, o.b, o.len); /* two in a row */
		for (size_t a = 0; a <= 2 * o.len; a++) {
			size_t step = a % 16 ? 97 : 1;

			ck_assert_uint_eq(cut(o.b, 2 * o.len, DIA_FRAME_UNKNOWN, &a, 1, &messages), 2 * o.len);
			ck_assert_uint_eq(messages, 2);
			for (size_t b = a; b <= 2 * o.len; b += step) {
				size_t ends[2] = { a, b };

				ck_assert_uint_eq(cut(o.b, 2 * o.len, DIA_FRAME_UNKNOWN, ends, 2, &messages),
						  2 * o.len);
				ck_assert_uint_eq(messages, 2);
			}
		}
	}
}
END_TEST

START_TEST(frames_that_are_none)
{
	static const struct {
		const char *what;
		uint8_t version, flags;
		uint32_t len;
		size_t limit;
		uint32_t code; /* 0: none */
		bool answerable;
	} rows[] = {
		{ "good", 1, DIA_CMD_R, 64, 4096, 0, false },
		{ "at the limit", 1, DIA_CMD_R, 4096, 4096, 0, false },
		{ "over the limit of who is unknown", 1, DIA_CMD_R, 4100, DIA_FRAME_UNKNOWN, 5015, true },
		{ "after CER", 1, DIA_CMD_R, 4100, DIA_FRAME_NAF, 0, false },
		{ "over the limit of a NAF", 1, DIA_CMD_R, 65540, DIA_FRAME_NAF, 5015, true },
		{ "of an HSS", 1, 0, 65540, DIA_FRAME_HSS, 0, false },
		{ "over that of an HSS", 1, 0, 1048580, DIA_FRAME_HSS, 5015, false },
		{ "not a multiple of 4", 1, DIA_CMD_R, 66, 4096, 5015, true },
		{ "less than a header", 1, DIA_CMD_R, 16, 4096, 5015, true },
		{ "nothing", 1, 0, 0, 4096, 5015, false },
		{ "version 2, length believable", 2, DIA_CMD_R, 64, 4096, 5011, true },
		{ "version 2 of an answer", 2, 0, 64, 4096, 5011, false },
		{ "no Diameter at all", 'G', DIA_CMD_R, 0x455420, 4096, 5015, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dia_frame f;

		memset(o.b, 0, 64);
		o.b[0] = rows[i].version;
		o.b[1] = rows[i].len >> 16;
		o.b[2] = rows[i].len >> 8;
		o.b[3] = rows[i].len;
		o.b[4] = rows[i].flags;
		dia_frame(&f, o.b, 19, rows[i].limit); /* not before the head is there */
		ck_assert_int_eq(f.is, DIA_FRAME_MORE);
		dia_frame(&f, o.b, 20, rows[i].limit);
		ck_assert_msg((f.is == DIA_FRAME_BAD) == (rows[i].code != 0), "%s", rows[i].what);
		ck_assert_msg(f.fault.code == rows[i].code, "%s: %u", rows[i].what, f.fault.code);
		ck_assert_msg(f.answerable == rows[i].answerable, "%s", rows[i].what);
	}
}
END_TEST

SUITE("dia_base", cer_round_trip, cer_faults, common_applications, inband_security, cea, words_and_replies, every_split,
      frames_that_are_none)
