/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What goes on of a BIR and comes back of a BIA, octet by octet, with the worked messages of tests/vectors/dia. */
#include <errno.h>
#include "common/dia/zn_wire.h"
#include "tests/unit/dia_octets.h"
#include "tests/unit/suite.h"
#include "znproxy/relay_octets.h"

#define FROM "naf1.apps.op-b.example"
#define HBH  0x01020304u

static struct octets o, out;

static struct span msg(void)
{
	return span_of(o.b, o.len);
}

static struct relay_request *made(void)
{
	struct relay_request *q = relay_octets_request(msg(), FROM);

	ck_assert_ptr_nonnull(q);
	return q;
}

/* One Route-Record more, at the end; nothing else. */
START_TEST(as_it_came)
{
	const struct dia_address to = { .hop_by_hop = HBH };
	struct relay_request *q;
	struct writer w;
	int len;

	octets_load(&o, "bir");
	q = made();
	writer_init(&w, out.b, sizeof(out.b));
	len = relay_octets_put_request(&w, &to, q);
	ck_assert_int_eq(len, (int)(o.len + 32));
	ck_assert_mem_eq(out.b + 4, o.b + 4, 8); /* flags, command, application */
	ck_assert_uint_eq(be32_get(out.b + 12), HBH);
	ck_assert_mem_eq(out.b + 16, o.b + 16, o.len - 16); /* end-to-end id, and all AVPs */
	ck_assert_octets(out.b + o.len, "0000011a4000001e");
	ck_assert_mem_eq(out.b + o.len + 8, FROM "\0", 24);
	ck_assert_uint_eq((uint32_t)out.b[2] << 8 | out.b[3], (uint32_t)len);
	free(q);
}
END_TEST

START_TEST(repeated_or_not)
{
	for (int t = 0; t < 4; t++) {
		const struct dia_address to = { .hop_by_hop = HBH, .repeated = t & 1 };
		struct relay_request *q;
		struct writer w;

		octets_load(&o, "bir");
		o.b[4] |= t & 2 ? DIA_CMD_T | 0x07 : 0x07; /* reserved bits stay here */
		q = made();
		writer_init(&w, out.b, sizeof(out.b));
		ck_assert_int_gt(relay_octets_put_request(&w, &to, q), 0);
		ck_assert_uint_eq(out.b[4], DIA_CMD_R | DIA_CMD_P | (t ? DIA_CMD_T : 0));
		free(q);
	}
}
END_TEST

START_TEST(too_long_or_without_room)
{
	const struct dia_address to = { .hop_by_hop = HBH };
	struct relay_request *q;
	struct writer w;

	octets_load(&o, "bir");
	q = made();
	for (size_t room = 0; room < q->len; room++) {
		writer_init(&w, out.b, room);
		ck_assert_int_eq(relay_octets_put_request(&w, &to, q), -ENOSPC);
	}
	free(q);
	octets_add(&o, 9999, 0, 0, out.b, 65536 - 32 - 8 - o.len); /* with the Route-Record it is as long as may be */
	q = made();
	ck_assert_uint_eq(q->len, 65536);
	free(q);
	octets_add(&o, 9999, 0, 0, "", 0);
	ck_assert_ptr_null(relay_octets_request(msg(), FROM));
	ck_assert_int_eq(errno, EMSGSIZE);
}
END_TEST

static char *services_allowed[] = { "1", "12", "4294967295" };
static const struct words allowed = { services_allowed, 3 };
static struct dia_fault fault;

static struct relay_bir readable(const struct words *gsids)
{
	struct relay_bir b;

	ck_assert_int_eq(relay_octets_read(&b, msg(), gsids, &fault), 0);
	return b;
}

static bool gsids(const char *data, size_t len)
{
	octets_load(&o, "bir");
	octets_drop(&o, 403);
	octets_add(&o, 403, 0xc0, 10415, data, len);
	return readable(&allowed).gsids;
}

/* 220-4.2.2a-6: nothing that a home might read as one that was not allowed */
START_TEST(services)
{
	static const char *const good[] = { "1", "12", "4294967295" }, *const bad[] = {
		"", "2", "01", "1 ", " 1", "+1", "1\n", "121", "0x1", "1.0", "111111111111111111"
	};

	for (size_t i = 0; i < 3; i++)
		ck_assert(gsids(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!gsids(bad[i], strlen(bad[i])), "'%s'", bad[i]);
	ck_assert(gsids("\0\0\0\1", 4));
	ck_assert(!gsids("\0\0\0\2", 4));
	ck_assert(!gsids("\1\0\0\1", 4));
	ck_assert(!gsids("1\0", 2));
	ck_assert(!gsids("\0\0\0\0\1", 5));
	octets_add(&o, 403, 0xc0, 10415, "1", 1); /* each of several */
	ck_assert(!readable(&allowed).gsids);
	octets_drop(&o, 403);
	octets_drop(&o, 403);
	ck_assert(readable(NULL).gsids);
	octets_add(&o, 403, 0xc0, 10415, "1", 1);
	ck_assert(!readable(NULL).gsids);
	ck_assert(!readable(&(struct words){ 0 }).gsids);
}
END_TEST

START_TEST(what_it_says)
{
	struct relay_bir b;

	octets_load(&o, "bir");
	b = readable(NULL);
	ck_assert(span_eq(b.realm, octets_data(&o, 283, 0)) && span_eq(b.host, octets_data(&o, 293, 0)));
	ck_assert(span_eq(b.session_id, octets_data(&o, 263, 0)) && span_eq(b.origin, octets_data(&o, 264, 0)));
	ck_assert_str_eq(b.btid_domain, "bsf.mnc001.mcc001.pub.3gppnetwork.org");
	octets_drop(&o, 293);
	ck_assert_ptr_null(readable(NULL).host.p);
}
END_TEST

static void btid_is(const char *text, const char *domain, bool has_rand)
{
	uint8_t rand[BTID_RAND_LEN];
	struct relay_bir b;

	octets_load(&o, "bir");
	octets_set(&o, 401, text, strlen(text));
	b = readable(NULL);
	ck_assert_msg(!strcmp(b.btid_domain, domain), "%s: %s", text, b.btid_domain);
	ck_assert_int_eq(relay_octets_rand(rand, b.btid), has_rand);
}

#define RAND64 "AAECAwQFBgcICQoLDA0ODw=="

START_TEST(b_tids)
{
	static char longest[257];

	btid_is(RAND64 "@a.example", "a.example", true);
	btid_is("????????????????????????@a.example", "a.example", false); /* its home knows what that is */
	btid_is(RAND64 "@", "", false);
	btid_is(RAND64, "", false);
	btid_is(RAND64 "@a..example", "", false);
	btid_is(RAND64 "@.a.example", "", false);
	btid_is(RAND64 "A@a.example", "", false);
	btid_is("", "", false);
	memset(longest, 'a', 256);
	octets_load(&o, "bir");
	octets_set(&o, 401, longest, 256);
	ck_assert_int_eq(relay_octets_read(&(struct relay_bir){ 0 }, msg(), NULL, &fault), -EBADMSG);
	ck_assert_uint_eq(fault.code, 5004);
}
END_TEST

START_TEST(padding)
{
	struct relay_bir b;
	size_t size, at;

	octets_load(&o, "bir");
	at = octets_find(&o, 264, 0, &size);
	ck_assert_uint_gt(-octets_data(&o, 264, 0).len & 3, 0);
	readable(NULL);
	o.b[at + size - 1] = 'x';
	ck_assert_int_eq(relay_octets_read(&b, msg(), NULL, &fault), -EBADMSG);
	ck_assert_uint_eq(fault.code, 5004);
	o.b[at + size - 1] = 0;
	octets_add(&o, 284, 0x40, 0, "\0\0\1\x18@\0\0\x09p\0\0\0\0\0\0\x21@\0\0\x09s\0\0\0", 24); /* a Proxy-Info */
	readable(NULL);
	o.b[o.len - 1] = 'x';
	ck_assert_int_eq(relay_octets_read(&b, msg(), NULL, &fault), -EBADMSG);
}
END_TEST

/* Of this request, or not. */
static bool fits(const struct relay_request *q)
{
	struct result r;
	bool ok = relay_octets_fits(&r, msg(), q);

	ck_assert(!ok || r.code == 2001);
	return ok;
}

static struct relay_request *asked_and_answered(void)
{
	static const struct dia_self home = { "bsf.example", "example" };
	const struct zn_bia bia = { .result = { .code = 2001 } };
	struct relay_request *q;
	struct writer w;

	octets_load(&o, "bir");
	q = made();
	writer_init(&w, out.b, sizeof(out.b));
	out.len = (size_t)zn_wire_bia_put(&w, msg(), &home, &bia);
	o = out;
	return q;
}

START_TEST(answers)
{
	struct relay_request *q = asked_and_answered();
	uint8_t ids[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, request[DIA_HDR_LEN];
	struct span answer;
	struct writer w;

	ck_assert(fits(q));
	/* back with the NAF's ids; E is the home's, other bits are nobody's */
	memcpy(request, o.b, sizeof(request));
	request[4] = DIA_CMD_R | DIA_CMD_P;
	memcpy(request + 12, ids, sizeof(ids));
	o.b[4] = DIA_CMD_P | DIA_CMD_E | DIA_CMD_T | 0x0f;
	answer = msg();
	writer_init(&w, out.b, sizeof(out.b));
	ck_assert_int_eq(relay_octets_put_answer(&w, span_of(request, sizeof(request)), NULL, &answer), (int)o.len);
	ck_assert_uint_eq(out.b[4], DIA_CMD_P | DIA_CMD_E);
	ck_assert_mem_eq(out.b + 12, ids, sizeof(ids));
	ck_assert_mem_eq(out.b + 20, o.b + 20, o.len - 20);
	for (size_t room = 0; room < o.len; room++) {
		writer_init(&w, out.b, room);
		ck_assert_int_eq(relay_octets_put_answer(&w, span_of(request, sizeof(request)), NULL, &answer),
				 -ENOSPC);
	}
	free(q);
}
END_TEST

START_TEST(answers_that_are_none)
{
	struct relay_request *q = asked_and_answered();

	o.b[19] ^= 1;
	ck_assert(!fits(q)); /* another end-to-end id */
	o.b[19] ^= 1;
	ck_assert(fits(q));
	octets_set(&o, 263, "another;1;1", 11);
	ck_assert(!fits(q));
	octets_drop(&o, 263);
	ck_assert(!fits(q));
	free(q);
	q = asked_and_answered();
	o.b[DIA_HDR_LEN + 5] = 1; /* an AVP beyond the message */
	ck_assert(!fits(q));
	free(q);
	q = asked_and_answered();
	octets_add(&o, 9999, 0, 0, "x", 1);
	ck_assert(fits(q));
	o.b[o.len - 1] = 1; /* padding */
	ck_assert(!fits(q));
	free(q);
	q = asked_and_answered();
	octets_add(&o, 268, 0x40, 0, "\0\0\x0b\xb9", 4); /* two results */
	ck_assert(!fits(q));
	free(q);
}
END_TEST

SUITE("relay_octets", as_it_came, repeated_or_not, too_long_or_without_room, services, what_it_says, b_tids, padding,
      answers, answers_that_are_none)
