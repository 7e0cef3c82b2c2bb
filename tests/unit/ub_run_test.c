/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A device's run on Ub, message by message: the BSF, which knows the key, and the card are the test's; HTTP is left out. */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/base/b64.h"
#include "common/gba/bsf_info.h"
#include "common/http/auth_hdr.h"
#include "common/http/auth_info.h"
#include "common/http/challenge_hdr.h"
#include "common/http/product.h"
#include "tests/unit/suite.h"
#include "ue/card/card_ops.h"
#include "ue/lib/ub_client.h"
#include "ue/lib/ub_keys.h"

#define BSF      "bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define OPAQUE   "5ccc069c403ebaf9f0171e9517f40e41"
#define RES      "0123456789abcdef"
#define MESSAGES 8

/* What the BSF says; above these it is a status without more. */
enum said { CHALLENGE, SESSION, SESSION_OF_NO_TMPI, SESSION_BY_WHO_HAS_NO_KEY, SESSION_UNPROVEN };

static struct {
	char text[4096];
	struct auth_hdr hdr; /* of text */
} asked[MESSAGES];
static unsigned n_asked, n_said, n_cards;
static int says[MESSAGES];
static enum card_outcome card_says[MESSAGES];
static uint8_t rand_now[AKA_RAND_LEN];
static char beside[100];
static struct card *card;
static struct key_store keys;
static struct ub_client client;

/* --- the BSF */

int http_get_start(struct http_get *h, const char *url, const char *target, const char *authorization,
		   const char *user_agent, struct err *err)
{
	ck_assert_uint_lt(n_asked, MESSAGES);
	ck_assert_ptr_nonnull(authorization);
	snprintf(asked[n_asked].text, sizeof(asked[n_asked].text), "%s", authorization);
	ck_assert_int_eq(
		auth_hdr_parse(&asked[n_asked].hdr, (const uint8_t *)asked[n_asked].text, strlen(authorization)), 0);
	n_asked++;
	return 0;
}

void http_get_stop(struct http_get *h)
{
}

void http_answer_clear(struct http_answer *a)
{
	free(a->www_authenticate);
	free(a->authentication_info);
	free(a->server);
	free(a->body);
	*a = (struct http_answer){ 0 };
}

static void challenge(struct http_answer *out)
{
	uint8_t octets[AKA_RAND_LEN + AKA_AUTN_LEN] = { 0 };
	char nonce[B64_LEN(sizeof(octets)) + 1];
	struct challenge_hdr h = { .realm = span_str(BSF),
				   .opaque = span_str(OPAQUE),
				   .algorithm = span_str("AKAv1-MD5"),
				   .qop = span_str("auth-int") };

	memset(rand_now, (int)(0x20 + n_said), sizeof(rand_now));
	memcpy(octets, rand_now, sizeof(rand_now));
	b64_encode(nonce, sizeof(nonce), octets, sizeof(octets));
	h.nonce = span_str(nonce);
	out->status = 401;
	out->www_authenticate = calloc(1, CHALLENGE_HDR_MAX);
	ck_assert_int_gt(challenge_hdr_format(out->www_authenticate, CHALLENGE_HDR_MAX, &h), 0);
}

/* The digest of the last request, and of the answer to it. */
static struct digest_text digest_of(const char *password, struct span body, bool of_answer)
{
	const struct auth_hdr *h = &asked[n_asked - 1].hdr;
	struct digest_input in = { .hash = DIGEST_MD5,
				   .qop = DIGEST_QOP_AUTH_INT,
				   .method = span_str("GET"),
				   .uri = h->uri,
				   .nonce = h->nonce,
				   .nc = h->nc,
				   .cnonce = h->cnonce,
				   .body = body };
	struct digest_text out;
	struct secret ha1;

	ck_assert_int_eq(digest_ha1(&ha1, DIGEST_MD5, h->username, h->realm, span_str(password)), 0);
	ck_assert_int_eq((of_answer ? digest_rspauth : digest_response)(&out, &in, &ha1), 0);
	return out;
}

static void session(struct http_answer *out, enum said said)
{
	const struct auth_hdr *h = &asked[n_asked - 1].hdr;
	struct bsf_info info = { .expires_at = time(NULL) + 3600 };
	struct digest_text want = digest_of(RES, span_of(NULL, 0), false), proof;
	struct auth_info ai = { .qop = span_str("auth-int"), .cnonce = h->cnonce, .nc = h->nc };

	ck_assert_msg(digest_match(&want, h->response), "the device's digest");
	btid_format(info.btid, rand_now, BSF);
	out->status = 200;
	out->body = calloc(1, 1000);
	out->body_len = (size_t)bsf_info_format((char *)out->body, 1000, &info);
	if (said != SESSION_OF_NO_TMPI)
		out->server = strdup("gba-bsfd " PRODUCT_TMPI);
	if (said == SESSION_UNPROVEN)
		return;
	proof = digest_of(said == SESSION_BY_WHO_HAS_NO_KEY ? "guessed" : RES, span_of(out->body, out->body_len), true);
	ai.rspauth = span_str(proof.hex);
	out->authentication_info = calloc(1, AUTH_INFO_MAX);
	ck_assert_int_gt(auth_info_format(out->authentication_info, AUTH_INFO_MAX, &ai), 0);
}

int http_get_step(struct http_get *h, struct http_answer *out, struct err *err)
{
	int said = says[n_said++];

	*out = (struct http_answer){ .status = said };
	if (said == CHALLENGE)
		challenge(out);
	else if (said <= SESSION_UNPROVEN)
		session(out, (enum said)said);
	return 0;
}

/* --- the card */

static int authenticate(struct card *c, struct card_answer *out, enum card_context context,
			const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN], struct err *err)
{
	*out = (struct card_answer){ .outcome = card_says[n_cards++], .auts = "auts of a card" };
	ck_assert_mem_eq(rand, rand_now, sizeof(rand_now));
	secret_set(&out->res, RES, strlen(RES)); /* an odd card gives it, whatever it says */
	if (out->outcome != CARD_OK)
		return 0;
	secret_set(&out->ck, "CK CK CK CK CK C", AKA_KEY_LEN);
	secret_set(&out->ik, "IK IK IK IK IK I", AKA_KEY_LEN);
	return 0;
}

static void card_is_closed(struct card *c)
{
	free(c);
}

/* --- both */

static void setup(void)
{
	static const struct card_ops ops = { .authenticate = authenticate, .close = card_is_closed };
	struct err err = { "" };

	snprintf(beside, sizeof(beside), "ub_run_test.%d", (int)getpid());
	card = calloc(1, sizeof(*card));
	card->ops = &ops;
	card->caps = CARD_CAP_3G;
	ck_assert_int_eq(card_set_usim(card, "001010000000001", 2, &err), 0);
	ck_assert_int_eq(key_store_open(&keys, beside, "1", &card->impi, time(NULL), &err), 0);
	client = (struct ub_client){ .card = card, .keys = &keys, .url = "http://" BSF "/", .bsf_name = BSF };
}

static void teardown(void)
{
	char path[120];

	ub_client_stop(&client);
	key_store_close(&keys);
	card_close(card);
	snprintf(path, sizeof(path), "%s.gba", beside);
	unlink(path);
	snprintf(path, sizeof(path), "%s.gba.key", beside);
	unlink(path);
}

#define RUN(...) run((const int[MESSAGES]){ __VA_ARGS__ })

/* \returns how it ends */
static const char *run(const int said[MESSAGES])
{
	struct err err = { "" };
	enum ue_cause cause;

	memcpy(says, said, sizeof(says));
	n_asked = n_said = n_cards = 0;
	cause = ub_client_start(&client, &err);
	while (cause == UE_CAUSE_pending)
		cause = ub_client_step(&client, &err);
	ck_assert_ptr_null(client.run);
	ck_assert(cause == UE_CAUSE_ok || err.text[0]);
	return ue_cause_name(cause);
}

static bool is_text(struct span s, const char *text)
{
	return span_eq(s, span_str(text));
}

/* What is on the disk is what the device has. */
static void is_kept(void)
{
	struct err err = { "" };
	struct key_store disk;

	ck_assert_int_eq(key_store_open(&disk, beside, "1", &card->impi, time(NULL), &err), 0);
	ck_assert_int_eq(disk.has_ks, keys.has_ks);
	ck_assert(secret_equal(&disk.ks, &keys.ks));
	ck_assert_str_eq(disk.btid, keys.btid);
	ck_assert_int_eq(disk.has_tmpi, keys.has_tmpi);
	key_store_close(&disk);
}

/* 220-4.5.2: the key is CK || IK, the opaque comes back, the proof is looked at */
START_TEST(of_two_requests)
{
	struct btid id;

	ck_assert_str_eq(RUN(CHALLENGE, SESSION), "ok");
	ck_assert_uint_eq(n_asked, 2);
	ck_assert(is_text(asked[0].hdr.username, card->impi.s) && asked[0].hdr.nonce.len == 0);
	ck_assert(is_text(asked[1].hdr.opaque, OPAQUE) && is_text(asked[1].hdr.nc, "00000001"));
	ck_assert_uint_eq(asked[1].hdr.cnonce.len, 32);
	ck_assert(keys.has_ks && !keys.on_card && keys.has_tmpi);
	ck_assert_uint_eq(keys.ks.len, 32);
	ck_assert_mem_eq(keys.ks.b, "CK CK CK CK CK CIK IK IK IK IK I", 32);
	ck_assert_int_eq(btid_parse(&id, (const uint8_t *)keys.btid, strlen(keys.btid)), 0);
	ck_assert_mem_eq(id.rand, rand_now, sizeof(rand_now));
	is_kept();
}
END_TEST

START_TEST(of_who_has_no_key)
{
	ck_assert_str_eq(RUN(CHALLENGE, SESSION_BY_WHO_HAS_NO_KEY), "rspauth");
	ck_assert_str_eq(RUN(CHALLENGE, SESSION_UNPROVEN), "rspauth");
	ck_assert(!keys.has_ks && !keys.has_tmpi);
	is_kept();
}
END_TEST

START_TEST(without_tmpi)
{
	ck_assert_str_eq(RUN(CHALLENGE, SESSION_OF_NO_TMPI), "ok");
	ck_assert(keys.has_ks && !keys.has_tmpi);
	is_kept();
}
END_TEST

/* A TMPI is for the next run; one that the BSF does not know is gone, and the IMPI is sent (220-4.5.2). One that is busy may know it */
START_TEST(by_tmpi)
{
	char tmpi[TMPI_MAX + 1];

	ck_assert_str_eq(RUN(CHALLENGE, SESSION), "ok");
	tmpi_format(tmpi, keys.tmpi);
	ck_assert_str_ne(RUN(429), "ok");
	ck_assert_str_ne(RUN(503), "ok");
	ck_assert_uint_eq(n_asked, 1);
	ck_assert(is_text(asked[0].hdr.username, tmpi) && keys.has_tmpi);
	ck_assert_str_eq(RUN(403, CHALLENGE, SESSION_OF_NO_TMPI), "ok");
	ck_assert(is_text(asked[0].hdr.username, tmpi));
	ck_assert(is_text(asked[1].hdr.username, card->impi.s) && is_text(asked[2].hdr.username, card->impi.s));
	keys.has_tmpi = true;
	ck_assert_str_ne(RUN(403, 403), "ok");
	ck_assert(!keys.has_tmpi);
	is_kept();
}
END_TEST

/* Once, with the digest of an empty password (RFC 3310 3.4); each request has a cnonce of its own */
START_TEST(resynchronised)
{
	struct digest_text want;
	uint8_t auts[AKA_AUTS_LEN];

	card_says[0] = CARD_SYNC_FAILURE;
	ck_assert_str_ne(RUN(CHALLENGE, 403), "ok");
	want = digest_of("", span_of(NULL, 0), false);
	ck_assert(digest_match(&want, asked[1].hdr.response));
	ck_assert_int_eq(b64_decode(auts, sizeof(auts), asked[1].hdr.auts.p, asked[1].hdr.auts.len), AKA_AUTS_LEN);
	ck_assert_mem_eq(auts, "auts of a card", AKA_AUTS_LEN);
	ck_assert_str_eq(RUN(CHALLENGE, CHALLENGE, SESSION), "ok");
	ck_assert_uint_eq(n_asked, 3);
	ck_assert_ptr_null(asked[2].hdr.auts.p);
	ck_assert(!span_eq(asked[1].hdr.cnonce, asked[2].hdr.cnonce));
	card_says[1] = CARD_SYNC_FAILURE;
	ck_assert_str_eq(RUN(CHALLENGE, CHALLENGE, CHALLENGE), "resync");
	ck_assert_uint_eq(n_asked, 2);
}
END_TEST

/* The BSF is told, by an empty response without AUTS (24.109 4.4); what it says then changes nothing */
START_TEST(of_a_network_that_is_none)
{
	card_says[0] = CARD_MAC_FAILURE;
	ck_assert_str_eq(RUN(CHALLENGE, CHALLENGE), "autn");
	ck_assert_uint_eq(n_asked, 2);
	ck_assert(asked[1].hdr.response.p && asked[1].hdr.response.len == 0);
	ck_assert_ptr_null(asked[1].hdr.auts.p);
	ck_assert_uint_eq(n_cards, 1);
}
END_TEST

/* A key that a restart would forget is none */
START_TEST(that_cannot_be_kept)
{
	snprintf(keys.path, sizeof(keys.path), "/nowhere/%s", beside);
	ck_assert_str_eq(RUN(CHALLENGE, SESSION), "local");
	ck_assert(!keys.has_ks && !keys.has_tmpi && !keys.btid[0]);
}
END_TEST

static struct card_gbabp on_card;

static int gbabp_read(struct card *c, struct card_gbabp *out, struct err *err)
{
	*out = on_card;
	return 0;
}

static int derive(struct card *c, struct secret *out, struct span naf_id, struct span impi, struct err *err)
{
	return secret_set(out, "of the card", 11);
}

/* Another device may have bootstrapped with this card since (31.102 5.2.21): its key is then another one's */
START_TEST(key_of_the_card)
{
	static const struct card_ops ops = { .gbabp_read = gbabp_read, .derive = derive };
	struct card gba = { .ops = &ops, .caps = CARD_CAP_GBA | CARD_CAP_FILES };
	struct err err = { "" };
	struct secret key = { 0 };

	keys.on_card = keys.has_ks = true;
	memset(keys.rand, 5, sizeof(keys.rand));
	ck_assert_int_eq(ub_keys_naf(&gba, &keys, &key, span_str("naf"), &err), -ENOKEY);
	on_card.has_rand = true;
	ck_assert_int_eq(ub_keys_naf(&gba, &keys, &key, span_str("naf"), &err), -ENOKEY);
	ck_assert_uint_eq(key.len, 0);
	memset(on_card.rand, 5, sizeof(on_card.rand));
	ck_assert_int_eq(ub_keys_naf(&gba, &keys, &key, span_str("naf"), &err), 0);
	ck_assert_uint_eq(key.len, 11);
}
END_TEST

SUITE_WITH_FIXTURE("ub_run", setup, teardown, of_two_requests, of_who_has_no_key, without_tmpi, by_tmpi, resynchronised,
		   of_a_network_that_is_none, that_cannot_be_kept, key_of_the_card)
