/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Messages that end a freeDiameter process are kept from it; what good peers send passes, also out of order. */
#include <errno.h>
#include <stdlib.h>
#include "common/dia/dia_core.h"
#include "common/dia/dia_guard.h"
#include "common/dia/zh_codec.h"
#include "tests/unit/dia_octets.h"
#include "tests/unit/suite.h"

static struct octets o, in;

static int guard(void)
{
	return dia_guard(o.b, o.len);
}

START_TEST(good_messages_pass)
{
	static const char *const names[] = { "mar", "mar-resync", "maa", "maa-5401", "bir", "bia" };
	struct msg *m;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		octets_load(&o, names[i]);
		in = o;
		ck_assert_msg(guard() == 0, "%s", names[i]);
		ck_assert_uint_eq(o.len, in.len);
		if (names[i][2] == 'r') /* requests stay as they are */
			ck_assert_mem_eq(o.b, in.b, o.len);
		m = octets_msg(&o);
		fd_msg_free(m);
	}
}
END_TEST

/* As the library does it: false if it ends in an error, true if the message reaches us. Not guarded, it would abort. */
static bool library_reads(void)
{
	struct msg *m = NULL, *error = NULL;
	uint8_t *copy = malloc(o.len);
	bool ok;

	memcpy(copy, o.b, o.len);
	ck_assert_int_eq(fd_msg_parse_buffer(&copy, o.len, &m), 0);
	ok = fd_msg_parse_or_error(&m, &error) == 0;
	if (m && m != error)
		fd_msg_free(m);
	if (error)
		fd_msg_free(error);
	return ok;
}

START_TEST(unknown_avp_before_result) /* of an HSS newer than us: the answer is lost, the process is not */
{
	struct zh_maa maa;
	struct msg *m;
	size_t size;

	octets_load(&o, "maa");
	octets_drop(&o, 268);
	octets_add(&o, 9999, 0x40, 4711, "x", 1);
	octets_add(&o, 268, 0x40, 0, "\0\0\x07\xd1", 4);
	ck_assert_int_eq(guard(), 0);
	ck_assert_uint_eq(octets_find(&o, 263, 0, &size), 20); /* Session-Id stays the first */
	ck_assert_uint_eq(octets_find(&o, 268, 0, NULL), 20 + size);
	ck_assert(!library_reads());
	octets_load(&o, "maa");
	octets_drop(&o, 268);
	octets_add(&o, 268, 0x40, 0, "\0\0\x07\xd1", 4); /* last, and everything readable: used */
	ck_assert_int_eq(guard(), 0);
	m = octets_msg(&o);
	ck_assert_int_eq(zh_maa_decode(&maa, m), 0);
	ck_assert(maa.vector.kind == ZH_VECTOR_AKA && maa.result.code == 2001 && maa.guss.len == 432);
	fd_msg_free(m);
}
END_TEST

START_TEST(result_of_wrong_length)
{
	static const size_t wrong[] = { 0, 1, 3, 5, 8 };
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		octets_load(&o, "maa");
		octets_set(&o, 268, "\0\0\0\0\0\0\0", wrong[i]);
		ck_assert_int_eq(guard(), -EBADMSG);
		octets_load(&o, "maa"); /* also as the second one */
		octets_add(&o, 268, 0x40, 0, "\0\0\0\0\0\0\0", wrong[i]);
		ck_assert_int_eq(guard(), -EBADMSG);
	}
}
END_TEST

START_TEST(vendor_bit_without_vendor)
{
	static const uint32_t codes[] = { 263, 264, 293, 1, 268, 402 };
	size_t i, at;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		octets_load(&o, "bir");
		octets_add(&o, codes[i], 0, 1, "abcd", 4);
		ck_assert_int_eq(guard(), 0);
		at = octets_find(&o, codes[i], octets_find(&o, codes[i], 1, NULL) ? 1 : 0, NULL);
		be32_put(o.b + at + 8, 0);
		ck_assert_int_eq(guard(), -EBADMSG);
	}
	octets_load(&o, "maa"); /* inside a group too */
	octets_open(&in, &o, 612);
	octets_add(&in, 700, 0, 1, "abcd", 4);
	at = octets_find(&in, 700, 0, NULL);
	be32_put(in.b + at + 8, 0);
	octets_close(&o, 612, &in);
	ck_assert_int_eq(guard(), -EBADMSG);
}
END_TEST

START_TEST(lengths)
{
	size_t at, cut;

	octets_load(&o, "bir");
	ck_assert_int_eq(dia_guard(o.b, 19), -EBADMSG);
	for (cut = 0; cut < o.len; cut++) /* a message that says more than is there, or less */
		ck_assert_int_eq(dia_guard(o.b, cut), -EBADMSG);
	at = octets_find(&o, 401, 0, NULL);
	o.b[at + 7] = 11; /* shorter than its head */
	ck_assert_int_eq(guard(), -EBADMSG);
	octets_load(&o, "bir");
	at = octets_find(&o, 407, 0, NULL);
	o.b[at + 7] += 1; /* beyond the end */
	ck_assert_int_eq(guard(), -EBADMSG);
	octets_load(&o, "maa");
	at = octets_find(&o, 612, 0, NULL);
	o.b[at + 12 + 7] = 4; /* the first AVP inside */
	ck_assert_int_eq(guard(), -EBADMSG);
	octets_load(&o, "bir");
	o.b[0] = 2;
	ck_assert_int_eq(guard(), -EBADMSG);
}
END_TEST

static void nest(unsigned depth)
{
	unsigned i;

	octets_load(&o, "bir");
	o.len = 20;
	in.len = 20;
	for (i = 0; i < depth; i++) {
		struct octets *outer = i % 2 ? &in : &o, *inner = i % 2 ? &o : &in;

		outer->len = 20;
		octets_add(outer, 279, 0x40, 0, inner->b + 20, inner->len - 20);
	}
	if (!(depth % 2))
		memcpy(o.b + 20, in.b + 20, (o.len = in.len) - 20);
	o.b[1] = 0;
	be16_put(o.b + 2, (uint16_t)o.len);
}

START_TEST(depth)
{
	nest(16);
	ck_assert_int_eq(guard(), 0);
	nest(17);
	ck_assert_int_eq(guard(), -EBADMSG);
	nest(2000);
	ck_assert_int_eq(guard(), -EBADMSG);
}
END_TEST

/* What the library cannot read in there ends the node, not the message. */
/* RFC 5729: the library would send such a request on by itself, over a queue that only it empties. */
START_TEST(decorated_name)
{
	static const char name[] = "example.net!a!b@example.com";

	octets_load(&o, "bir");
	octets_add(&o, 1, 0x40, 0, name, strlen(name));
	octets_add(&o, 1, 0x40, 0, "!", 1);
	ck_assert_int_eq(guard(), 0);
	ck_assert_int_eq(octets_data(&o, 1, 0).len, strlen(name));
	ck_assert(!memcmp(octets_data(&o, 1, 0).p,
			  "example.net\xff"
			  "a\xff"
			  "b@example.com",
			  strlen(name)));
	ck_assert_int_eq(octets_data(&o, 1, 1).p[0], 0xff);
	octets_load(&o, "maa"); /* no answer is sent on */
	octets_add(&o, 1, 0x40, 0, name, strlen(name));
	ck_assert_int_eq(guard(), 0);
	ck_assert(!memcmp(octets_data(&o, 1, octets_find(&o, 1, 1, NULL) ? 1 : 0).p, name, strlen(name)));
}
END_TEST

/* The library ends the node for a NUL there; who serves the request refuses what is no text. */
START_TEST(session_with_nul)
{
	octets_load(&o, "bir");
	octets_set(&o, 263, "a;1;\0002", 6);
	ck_assert_int_eq(guard(), 0);
	ck_assert(!memcmp(octets_data(&o, 263, 0).p, "a;1;\xff\x32", 6));
}
END_TEST

START_TEST(unserved)
{
	struct msg *m;

	octets_load(&o, "bir");
	dia_guard_unserved(o.b);
	ck_assert_int_eq(guard(), 0);
	m = octets_msg(&o);
	ck_assert(!fd_msg_is_routable(m));
	fd_msg_free(m);
	octets_load(&o, "bia"); /* answers stay */
	in = o;
	dia_guard_unserved(o.b);
	ck_assert_mem_eq(o.b, in.b, o.len);
}
END_TEST

START_TEST(proxy_info)
{
	static const uint8_t group[] = {
		0,   0,   1,   28, 0x40, 0, 0, 32, 0,    0, 1, 24, 0x40, 0, 0, 11,
		'p', '.', 'q', 0,  0,    0, 0, 33, 0x40, 0, 0, 9,  'x',  0, 0, 0,
	};
	size_t at;

	octets_load(&o, "bir");
	at = o.len;
	memcpy(o.b + at, group, sizeof(group));
	o.len += sizeof(group);
	o.b[1] = (uint8_t)(o.len >> 16);
	o.b[2] = (uint8_t)(o.len >> 8);
	o.b[3] = (uint8_t)o.len;
	ck_assert_int_eq(guard(), 0);
	o.b[at + 22] = 1; /* 289, nobody's AVP */
	ck_assert_int_eq(guard(), -EBADMSG);
	o.b[at + 22] = 0;
	o.b[at + 27] = 7; /* shorter than its header */
	ck_assert_int_eq(guard(), -EBADMSG);
}
END_TEST

START_TEST(answer_of_unknown_command)
{
	octets_load(&o, "maa");
	be32_put(o.b + 4, 999);
	o.b[4] = 0x40;
	ck_assert_int_eq(guard(), -EBADMSG);
	o.b[4] = 0x60;
	ck_assert_int_eq(guard(), -EBADMSG);
	octets_load(&o, "maa-5401");
	o.b[4] = 0x60;
	ck_assert_int_eq(guard(), 0);
}
END_TEST

START_TEST(capabilities)
{
	octets_load(&o, "bir");
	be32_put(o.b + 4, 257);
	o.b[4] = 0x80;
	ck_assert_int_eq(guard(), 0);
	octets_open(&in, &o, 260);
	octets_add(&in, 9999, 0, 0, "x", 1);
	octets_close(&o, 260, &in);
	ck_assert_int_eq(guard(), -EBADMSG);
	octets_load(&o, "bir");
	be32_put(o.b + 4, 257);
	o.b[4] = 0x80;
	octets_open(&in, &o, 260);
	octets_add(&in, 9999, 0, 10415, "x", 1); /* with a vendor the library passes it over */
	octets_close(&o, 260, &in);
	ck_assert_int_eq(guard(), 0);
}
END_TEST

SUITE_WITH_FIXTURE("dia_guard", octets_setup, NULL, good_messages_pass, unknown_avp_before_result,
		   result_of_wrong_length, vendor_bit_without_vendor, lengths, depth, decorated_name, session_with_nul,
		   unserved, proxy_info, answer_of_unknown_command, capabilities)
