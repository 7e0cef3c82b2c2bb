/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The codec of GSUP against the one of libosmogsm, which osmo-hlr itself uses and the daemon does not. */
#include "bsf/vectors/gsup_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <osmocom/core/msgb.h>
#include <osmocom/gsm/gsup.h>
#include "tests/unit/suite.h"

static const struct gsup_ask plain = { .imsi = "001010000000001", .session = 0x01020304 };

/* The GSUP message of our request. */
static size_t ask_octets(uint8_t *out, size_t cap, const struct gsup_ask *a)
{
	struct gsup_frame f;
	uint8_t mem[GSUP_ASK_MAX];
	struct writer w;

	writer_init(&w, mem, sizeof(mem));
	gsup_wire_ask_put(&w, a);
	ck_assert(!w.overflow);
	ck_assert_int_eq(gsup_wire_frame(&f, span_of(mem, w.len)), (int)w.len);
	ck_assert_int_eq(f.kind, GSUP_MESSAGE);
	ck_assert_uint_le(f.body.len, cap);
	memcpy(out, f.body.p, f.body.len);
	return f.body.len;
}

/* Read by libosmogsm, a request says what we wanted, for IMSIs of every length. */
START_TEST(requests)
{
	uint8_t octets[GSUP_ASK_MAX];

	for (size_t digits = 6; digits <= GSUP_IMSI_MAX; digits++) {
		for (int resync = 0; resync < 2; resync++) {
			struct gsup_ask a = plain;
			struct osmo_gsup_message m;
			size_t n;

			a.imsi[digits] = '\0';
			a.has_resync = resync;
			memset(a.rand, 0x11, sizeof(a.rand));
			memset(a.auts, 0x22, sizeof(a.auts));
			n = ask_octets(octets, sizeof(octets), &a);
			ck_assert_int_eq(osmo_gsup_decode(octets, n, &m), 0);
			ck_assert_int_eq(m.message_type, OSMO_GSUP_MSGT_SEND_AUTH_INFO_REQUEST);
			ck_assert_str_eq(m.imsi, a.imsi);
			ck_assert_uint_eq(m.session_id, a.session);
			ck_assert_int_eq(m.session_state, OSMO_GSUP_SESSION_STATE_BEGIN);
			ck_assert_uint_eq(m.num_auth_vectors, 1);
			ck_assert_int_eq(m.auts != NULL, resync);
			if (resync)
				ck_assert(memcmp(m.auts, a.auts, 14) == 0 && memcmp(m.rand, a.rand, 16) == 0);
		}
	}
}
END_TEST

static struct osmo_gsup_message answer_of(unsigned vectors, unsigned res_len)
{
	struct osmo_gsup_message m = { .message_type = OSMO_GSUP_MSGT_SEND_AUTH_INFO_RESULT,
				       .imsi = "001010000000001",
				       .session_state = OSMO_GSUP_SESSION_STATE_END,
				       .session_id = 77,
				       .message_class = OSMO_GSUP_MESSAGE_CLASS_SUBSCRIBER_MANAGEMENT,
				       .num_auth_vectors = vectors };

	for (unsigned i = 0; i < vectors; i++) {
		struct osmo_auth_vector *v = &m.auth_vectors[i];

		v->auth_types = OSMO_AUTH_TYPE_GSM | OSMO_AUTH_TYPE_UMTS;
		for (unsigned k = 0; k < 16; k++) {
			v->rand[k] = (uint8_t)rand();
			v->autn[k] = (uint8_t)rand();
			v->ck[k] = (uint8_t)rand();
			v->ik[k] = (uint8_t)rand();
			v->res[k] = (uint8_t)rand();
		}
		v->res_len = (uint8_t)res_len;
	}
	return m;
}

/* \returns what gsup_wire_answer_get() says of it; of every shorter beginning it must say something, too */
static int read_back(struct gsup_answer *a, const struct osmo_gsup_message *m)
{
	struct msgb *msg = msgb_alloc(4096, "test");
	int rc;

	ck_assert_int_eq(osmo_gsup_encode(msg, m), 0);
	for (size_t n = 0; n < msgb_length(msg); n++) {
		uint8_t *part = malloc(n ? n : 1); /* of that very size, for what looks behind the end */

		memcpy(part, msgb_data(msg), n);
		if (gsup_wire_answer_get(a, span_of(part, n)) == 0)
			gsup_answer_clear(a);
		free(part);
	}
	rc = gsup_wire_answer_get(a, span_of(msgb_data(msg), msgb_length(msg)));
	msgb_free(msg);
	return rc;
}

START_TEST(vectors)
{
	for (unsigned res_len = 4; res_len <= 16; res_len += 4) {
		for (unsigned n = 1; n <= 5; n++) {
			struct osmo_gsup_message m = answer_of(n, res_len);
			const struct osmo_auth_vector *v = &m.auth_vectors[0];
			struct gsup_answer a;

			ck_assert_int_eq(read_back(&a, &m), 0);
			ck_assert(!a.refused && a.has_session && a.has_vector);
			ck_assert_uint_eq(a.session, 77);
			ck_assert_str_eq(a.imsi, m.imsi);
			ck_assert_mem_eq(a.vector.rand, v->rand, 16);
			ck_assert_mem_eq(a.vector.autn, v->autn, 16);
			ck_assert_mem_eq(a.vector.ck.b, v->ck, 16);
			ck_assert_mem_eq(a.vector.ik.b, v->ik, 16);
			ck_assert_uint_eq(a.vector.res.len, res_len);
			ck_assert_mem_eq(a.vector.res.b, v->res, res_len);
			gsup_answer_clear(&a);
		}
	}
}
END_TEST

/* A subscriber of whom the HLR has 2G data alone: an answer, but no vector. */
START_TEST(triplets)
{
	struct osmo_gsup_message m = answer_of(2, 8);
	struct gsup_answer a;

	m.auth_vectors[0].auth_types = m.auth_vectors[1].auth_types = OSMO_AUTH_TYPE_GSM;
	ck_assert_int_eq(read_back(&a, &m), 0);
	ck_assert(!a.has_vector && !a.refused);
}
END_TEST

START_TEST(refusals)
{
	struct osmo_gsup_message m = { .message_type = OSMO_GSUP_MSGT_SEND_AUTH_INFO_ERROR,
				       .imsi = "001010000000001",
				       .cause = GMM_CAUSE_IMSI_UNKNOWN };
	struct gsup_answer a;

	ck_assert_int_eq(read_back(&a, &m), 0);
	ck_assert(a.refused && !a.has_vector && !a.has_session);
	ck_assert_uint_eq(a.cause, GSUP_CAUSE_IMSI_UNKNOWN);
	m.message_type = OSMO_GSUP_MSGT_UPDATE_LOCATION_RESULT;
	ck_assert_int_eq(read_back(&a, &m), -ENOMSG);
}
END_TEST

static const struct {
	const char *octets;
	int rc;
} bad[] = {
	{ "", -ENOMSG },
	{ "0a", -EBADMSG }, /* without IMSI */
	{ "0a01", -EBADMSG },
	{ "0a0101", -EBADMSG },
	{ "0a0100", -EBADMSG },
	{ "0a01020a", -EBADMSG },
	{ "0a0101a0", -EBADMSG },                 /* no digit */
	{ "0a01021ff0", -EBADMSG },               /* an end in the middle */
	{ "0a01090000000000000000f0", -EBADMSG }, /* 17 digits */
	{ "0a010210f03003000001", -EBADMSG },     /* Session-Id of three octets */
	{ "0a010210f003022000", -EBADMSG },       /* RAND of none */
	{ "0a010210f003042302ffff", -EBADMSG },
	{ "0a010210f003052703ffffff", -EBADMSG }, /* RES of three */
	{ "0a010210f00303200102", -EBADMSG },     /* cut off in the tuple */
	{ "0a010210f0", 0 },
	{ "0a010210f0ff00", 0 }, /* what nobody knows is passed over */
};

START_TEST(refused_in_words_of_errno)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t len = strlen(bad[i].octets) / 2;
		uint8_t *octets = malloc(len ? len : 1);
		struct gsup_answer a;

		hex_decode(octets, len, bad[i].octets, 2 * len);
		ck_assert_msg(gsup_wire_answer_get(&a, span_of(octets, len)) == bad[i].rc, "%s", bad[i].octets);
		free(octets);
	}
}
END_TEST

START_TEST(frames)
{
	static const uint8_t two[] = { 0, 1, 0xfe, 0x04, 0, 3, 0xee, 0x05, 0x0a, 0x01 };
	static const uint8_t none[] = { 0, 0, 0xfe }, large[] = { 0x10, 0x01, 0xee };
	static const uint8_t other[] = { 0, 1, 0xee, 0x00 };
	struct gsup_frame f;

	for (size_t n = 0; n < 4; n++)
		ck_assert_int_eq(gsup_wire_frame(&f, span_of(two, n)), 0);
	ck_assert_int_eq(gsup_wire_frame(&f, span_of(two, sizeof(two))), 4);
	ck_assert(f.kind == GSUP_CONTROL && f.body.len == 1 && f.body.p[0] == GSUP_ID_GET);
	ck_assert_int_eq(gsup_wire_frame(&f, span_of(two + 4, sizeof(two) - 4)), 6);
	ck_assert(f.kind == GSUP_MESSAGE && f.body.len == 2 && f.body.p[0] == 0x0a);
	ck_assert_int_eq(gsup_wire_frame(&f, span_of(other, sizeof(other))), 4);
	ck_assert_int_eq(f.kind, GSUP_OTHER);
	ck_assert_int_eq(gsup_wire_frame(&f, span_of(none, sizeof(none))), -EBADMSG);
	ck_assert_int_eq(gsup_wire_frame(&f, span_of(large, sizeof(large))), -EBADMSG);
}
END_TEST

START_TEST(control)
{
	uint8_t mem[GSUP_CCM_MAX];
	char name[GSUP_NAME_MAX + 1];
	struct writer w;

	writer_init(&w, mem, sizeof(mem));
	gsup_wire_pong_put(&w);
	gsup_wire_identity_put(&w, "bsf");
	ck_assert_uint_eq(w.len, 29);
	ck_assert_octets(mem, "0001fe01"
			      "0016fe05"
			      "00050162736600"
			      "00050062736600"
			      "00050862736600");
	memset(name, 'n', GSUP_NAME_MAX);
	name[GSUP_NAME_MAX] = '\0';
	writer_init(&w, mem, sizeof(mem));
	gsup_wire_identity_put(&w, name);
	ck_assert(!w.overflow);
}
END_TEST

SUITE("gsup_wire", requests, vectors, triplets, refusals, refused_in_words_of_errno, frames, control)
