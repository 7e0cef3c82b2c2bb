/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The packed session: comes back as it was, and nothing damaged is taken for one. */
#include <errno.h>
#include "bsf/store/guss_press.h"
#include "common/crypto/rng.h"
#include "common/gba/guss_copy.h"
#include "tests/unit/suite.h"

static const uint8_t rand_1[AKA_RAND_LEN] = { 1, 2, 3 };

static struct gba_session session(const char *impi, const char *bsf_name)
{
	struct gba_session s = {
		.variant = GBA_VARIANT_ME, .created_at = 1700000000, .expires_at = 1700003600, .made_ms = 1699999999123
	};

	memcpy(s.rand, rand_1, AKA_RAND_LEN);
	memset(s.ks.b, 0x5a, 32);
	s.ks.len = 32;
	strcpy(s.impi.s, impi);
	strcpy(s.bsf_name, bsf_name);
	return s;
}

/* What lies beside it. */
static struct gba_session_known beside(const struct gba_session *s)
{
	return (struct gba_session_known){ s->expires_at, be64_get(s->tmpi) };
}

static void round_trip(const struct gba_session *s, size_t max)
{
	uint8_t buf[GBA_RECORD_MAX];
	struct gba_session_known known = beside(s);
	struct gba_session got = { 0 };
	int n = gba_session_pack(buf, sizeof(buf), s);

	ck_assert_int_gt(n, 0);
	ck_assert_uint_le((size_t)n, max);
	ck_assert_int_eq(gba_session_unpack(&got, s->rand, &known, buf, (size_t)n), 0);
	ck_assert_mem_eq(got.rand, s->rand, AKA_RAND_LEN);
	ck_assert_str_eq(got.impi.s, s->impi.s);
	ck_assert_str_eq(got.bsf_name, s->bsf_name);
	ck_assert(secret_equal(&got.ks, &s->ks));
	ck_assert_int_eq(got.created_at, s->created_at);
	ck_assert_int_eq(got.expires_at, s->expires_at);
	ck_assert_int_eq(got.made_ms, s->made_ms);
	ck_assert_uint_eq(got.maker, s->maker);
	ck_assert_int_eq(got.variant, s->variant);
	ck_assert_int_eq(got.has_tmpi, s->has_tmpi);
	ck_assert_mem_eq(got.tmpi, s->tmpi, TMPI_LEN);
	ck_assert(span_eq(guss_blob_span(got.guss), guss_blob_span(s->guss)));
	gba_session_clear(&got);
	ck_assert_int_eq(gba_session_pack(buf, (size_t)n - 1, s), -ENOSPC);
}

static struct gba_challenge challenge(void)
{
	struct gba_challenge c = { .variant = GBA_VARIANT_ME,
				   .hash = DIGEST_SHA256,
				   .akav2 = true,
				   .key_life_s = 77,
				   .created_at = 1700000000,
				   .made_ms = 1700000000123,
				   .expires_mono_ms = 1700000060123 };

	memset(c.aka.xres.b, 0x33, 24);
	c.aka.xres.len = 24;
	memset(c.aka.ks.b, 0x5a, 32);
	c.aka.ks.len = 32;
	strcpy(c.impi.s, "001010000000001@ims.mnc001.mcc001.3gppnetwork.org");
	strcpy(c.username, "tmpi@tmpi.bsf.3gppnetwork.org");
	strcpy(c.bsf_name, "bsf.mnc001.mcc001.pub.3gppnetwork.org");
	memset(c.opaque, 'a', 32);
	return c;
}

/* For who takes it in another process; no part of it is taken for a whole */
START_TEST(challenge_comes_back)
{
	struct gba_challenge c = challenge(), got = { .guss = NULL };
	uint8_t buf[GBA_RECORD_MAX];
	int n;

	c.guss = guss_blob_new(span_str("<guss/>"));
	n = gba_challenge_pack(buf, sizeof(buf), &c);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(gba_challenge_unpack(&got, buf, (size_t)n), 0);
	ck_assert(got.variant == c.variant && got.hash == c.hash && got.akav2 && !got.aka.uicc_gba_u);
	ck_assert(secret_equal(&got.aka.xres, &c.aka.xres) && secret_equal(&got.aka.ks, &c.aka.ks));
	ck_assert_str_eq(got.impi.s, c.impi.s);
	ck_assert_str_eq(got.username, c.username);
	ck_assert_str_eq(got.bsf_name, c.bsf_name);
	ck_assert_str_eq(got.opaque, c.opaque);
	ck_assert_int_eq(got.key_life_s, c.key_life_s);
	ck_assert_int_eq(got.created_at, c.created_at);
	ck_assert_int_eq(got.made_ms, c.made_ms);
	ck_assert_uint_eq(got.expires_mono_ms, c.expires_mono_ms);
	ck_assert(span_eq(guss_blob_span(got.guss), span_str("<guss/>")));
	gba_challenge_clear(&got);
	for (int len = 0; len < n - 6; len++) /* beyond that it is a shorter GUSS */
		ck_assert_int_eq(gba_challenge_unpack(&got, buf, (size_t)len), -EBADMSG);
	ck_assert_int_eq(gba_challenge_pack(buf, (size_t)n - 1, &c), -ENOSPC);
	gba_challenge_clear(&c);
	c = challenge();
	c.made_ms = -1;
	ck_assert_int_eq(gba_challenge_pack(buf, sizeof(buf), &c), -EINVAL);
}
END_TEST

static int unpacked(const uint8_t *buf, int n)
{
	struct gba_challenge got = { .guss = NULL };
	int rc = gba_challenge_unpack(&got, buf, (size_t)n);

	gba_challenge_clear(&got);
	return rc;
}

/* An octet that no challenge has at its beginning, one behind its end, a name of nothing */
START_TEST(challenge_is_none)
{
	static const struct {
		int at;
		uint8_t octet;
	} rows[] = {
		{ 0, 0 }, { 0, 2 },    { 1, GBA_VARIANT_ME - 1 }, { 1, GBA_VARIANT_U + 1 }, { 2, DIGEST_SHA256 + 1 },
		{ 3, 8 }, { 3, 0x80 }, { 3, 4 /* a GUSS */ }
	};
	struct gba_challenge c = challenge(), got = { .guss = NULL };
	char *const names[] = { c.impi.s, c.username, c.bsf_name };
	uint8_t buf[GBA_RECORD_MAX + 1];
	int n = gba_challenge_pack(buf, GBA_RECORD_MAX, &c);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t was = buf[rows[i].at];

		buf[rows[i].at] = rows[i].octet;
		ck_assert_msg(unpacked(buf, n) == -EBADMSG, "octet %d is %u", rows[i].at, rows[i].octet);
		buf[rows[i].at] = was;
	}
	buf[n] = 'x';
	ck_assert_int_eq(unpacked(buf, n + 1), -EBADMSG);
	ck_assert_int_eq(unpacked(buf, n), 0);
	c.akav2 = false;
	c.aka.uicc_gba_u = true;
	n = gba_challenge_pack(buf, GBA_RECORD_MAX, &c);
	ck_assert_int_eq(gba_challenge_unpack(&got, buf, (size_t)n), 0);
	ck_assert(!got.akav2 && got.aka.uicc_gba_u);
	gba_challenge_clear(&got);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char first = names[i][0];

		names[i][0] = '\0';
		n = gba_challenge_pack(buf, GBA_RECORD_MAX, &c);
		ck_assert_int_gt(n, 0);
		ck_assert_int_eq(unpacked(buf, n), -EBADMSG);
		names[i][0] = first;
	}
}
END_TEST

START_TEST(comes_back)
{
	struct gba_session s =
		session("001010000000001@ims.mnc001.mcc001.3gppnetwork.org", "bsf.mnc001.mcc001.pub.3gppnetwork.org");

	round_trip(&s, 79);
	s.has_tmpi = true;
	memset(s.tmpi, 0xa5, TMPI_LEN);
	round_trip(&s, 95);
	s.variant = GBA_VARIANT_DIGEST;
	s.guss = guss_blob_new(span_str("<guss/>"));
	round_trip(&s, 102);
	s.ks.len = 0;
	round_trip(&s, 70);
	s.created_at = (INT64_C(1) << 40) - 1;
	s.expires_at = (INT64_C(1) << 48) - 1;
	round_trip(&s, 70);
	gba_session_clear(&s);
	s = session("u@example.org", "bsf.example.org");
	round_trip(&s, 100);
	s = session("x.3gppnetwork.org", ".3gppnetwork.org");
	round_trip(&s, 100);
}
END_TEST

START_TEST(longest)
{
	struct gba_session s = session("", "");
	static uint8_t xml[65536];

	memset(s.impi.s, 'i', IMPI_MAX);
	memset(s.bsf_name, 'b', BSF_NAME_MAX);
	memset(xml, 'x', sizeof(xml));
	s.guss = guss_blob_new(span_of(xml, sizeof(xml)));
	s.has_tmpi = true;
	round_trip(&s, GBA_RECORD_MAX);
	memcpy(s.impi.s + IMPI_MAX - 16, ".3gppnetwork.org", 16);
	round_trip(&s, GBA_RECORD_MAX);
	gba_session_clear(&s);
}
END_TEST

START_TEST(not_packable)
{
	struct gba_session s = session("u@example.org", "bsf.example.org");
	uint8_t buf[GBA_RECORD_MAX];

	s.ks.len = 16;
	ck_assert_int_eq(gba_session_pack(buf, sizeof(buf), &s), -EINVAL);
	s.ks.len = 32;
	s.expires_at = -1;
	ck_assert_int_eq(gba_session_pack(buf, sizeof(buf), &s), -EINVAL);
	s.expires_at = INT64_C(1) << 48;
	ck_assert_int_eq(gba_session_pack(buf, sizeof(buf), &s), -EINVAL);
	s.expires_at = 1;
	s.created_at = INT64_C(1) << 40;
	ck_assert_int_eq(gba_session_pack(buf, sizeof(buf), &s), -EINVAL);
}
END_TEST

static void refused(const uint8_t *buf, size_t len)
{
	const struct gba_session_known known = { 1700003600, 0 };
	struct gba_session got = { .created_at = 77 };

	ck_assert_int_eq(gba_session_unpack(&got, rand_1, &known, buf, len), -EBADMSG);
	ck_assert_int_eq(got.created_at, 77);
}

START_TEST(damaged)
{
	struct gba_session s = session("u@example.org", "bsf.mnc001.mcc001.pub.3gppnetwork.org");
	uint8_t buf[GBA_RECORD_MAX], bad[GBA_RECORD_MAX];
	size_t n = (size_t)gba_session_pack(buf, sizeof(buf), &s);
	const struct {
		size_t at;
		uint8_t value;
	} changes[] = { { 0, 0 },
			{ 0, buf[0] - 1 },
			{ 0, buf[0] + 1 },
			{ 0, buf[0] & 15 },
			{ 0, (buf[0] & 15) | 0x50 },
			{ 1, 0xff },
			{ 1, buf[1] | 0x20 },
			{ 1, buf[1] | 0x40 },
			{ 1, buf[1] | 0x80 },
			{ 1, buf[1] ^ 1 },
			{ 1, buf[1] ^ 2 },
			{ 1, buf[1] ^ 4 },
			{ 45, 0 },
			{ 45, 255 },
			{ 48, 0 },
			{ 59, 1 } };

	for (size_t len = 0; len < n; len++)
		refused(buf, len);
	ck_assert_uint_eq(buf[45], strlen("u@example.org"));
	ck_assert_uint_eq(buf[59], strlen("bsf.mnc001.mcc001.pub"));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		memcpy(bad, buf, n);
		bad[changes[i].at] = changes[i].value;
		refused(bad, n);
	}
	memcpy(bad, buf, n);
	bad[n] = 'x';
	refused(bad, n + 1);
}
END_TEST

/* Who has made it, where several use the store: 2 octets more, and none where nobody says so */
START_TEST(of_a_maker)
{
	struct gba_session s = session("u@example.org", "bsf.mnc001.mcc001.pub.3gppnetwork.org");
	uint8_t buf[GBA_RECORD_MAX];
	int n = gba_session_pack(buf, sizeof(buf), &s);

	s.maker = 0x1234;
	round_trip(&s, (size_t)n + 2);
}
END_TEST

/* As former releases wrote it: all of it, and at first not when its challenge was made */
START_TEST(former_version)
{
	struct gba_session s = session("u@example.org", "bsf.mnc001.mcc001.pub.3gppnetwork.org"), got;
	const struct gba_session_known other = { 1, 2 };
	struct gba_session_known of_head;
	uint8_t new[GBA_RECORD_MAX], old[GBA_RECORD_MAX];
	size_t n;

	s.has_tmpi = true;
	for (uint8_t i = 0; i < TMPI_LEN; i++)
		s.tmpi[i] = i + 1;
	of_head = beside(&s);
	n = (size_t)gba_session_pack(new, sizeof(new), &s);
	for (uint8_t version = 1; version < 4; version++) {
		const struct gba_session_known *known = version < 3 ? &other : &of_head;
		uint8_t *at = old + 9;

		memcpy(old, (const uint8_t[]){ version, (uint8_t)s.variant, new[1] }, 3);
		be48_put(old + 3, (uint64_t)s.created_at);
		if (version < 3)
			be48_put(at, (uint64_t)s.expires_at);
		at += version < 3 ? 6 : 0;
		if (version > 1)
			be48_put(at, (uint64_t)s.made_ms);
		at += version > 1 ? 6 : 0;
		memcpy(at, s.ks.b, 32);
		at += 32;
		memcpy(at, s.tmpi + (version < 3 ? 0 : 8), TMPI_LEN);
		at += version < 3 ? TMPI_LEN : TMPI_LEN - 8;
		memcpy(at, new + 13 + 32 + 16, n - 61);
		at += n - 61;
		ck_assert_int_eq(gba_session_unpack(&got, rand_1, known, old, (size_t)(at - old)), 0);
		ck_assert(secret_equal(&got.ks, &s.ks));
		ck_assert_int_eq(got.variant, s.variant);
		ck_assert_int_eq(got.created_at, s.created_at);
		ck_assert_int_eq(got.made_ms, version > 1 ? s.made_ms : s.created_at * 1000);
		ck_assert_int_eq(got.expires_at, s.expires_at);
		ck_assert_mem_eq(got.tmpi, s.tmpi, TMPI_LEN);
		ck_assert_str_eq(got.bsf_name, s.bsf_name);
		gba_session_clear(&got);
	}
}
END_TEST

static void impi_again(const char *impi, size_t octets)
{
	char text[IMPI_MAX + 1];
	size_t n = gba_impi_short(text, impi);
	struct impi whole;

	ck_assert_uint_eq(n, octets);
	ck_assert_int_eq(gba_impi_whole(&whole, span_of(text, n)), 0);
	ck_assert_str_eq(whole.s, impi);
}

START_TEST(short_impi)
{
	static const char most[] = ".3gppnetwork.org\1";
	uint8_t text[IMPI_MAX + 1];
	struct impi whole;

	impi_again("001010000000001@ims.mnc001.mcc001.3gppnetwork.org", 34);
	impi_again("u@example.org", 13);
	memset(text, 'a', sizeof(text));
	text[IMPI_MAX - sizeof(most) + 3] = 1;
	ck_assert_int_eq(gba_impi_whole(&whole, span_of(text, IMPI_MAX - sizeof(most) + 4)), -EBADMSG);
	ck_assert_int_eq(gba_impi_whole(&whole, span_of(text, IMPI_MAX + 1)), -EBADMSG);
}
END_TEST

static const char services[] =
	"<uss id=\"1\" type=\"1\"><uids><uid>sip:001010000000001@ims.mnc001.mcc001.3gppnetwork.org</uid><uid>tel:+491234567"
	"</uid></uids><flags><flag>1</flag></flags></uss>";

/* It comes back as it was, and what is alike in all takes no room */
START_TEST(guss_pressed)
{
	uint8_t out[GUSS_COPY_MAX], *noise = malloc(GUSS_COPY_MAX);
	struct span guss = span_str(services);
	size_t n = guss_press(out, sizeof(out), guss);
	struct guss_blob *b;
	int rc;

	ck_assert_uint_gt(n, 0);
	ck_assert_uint_le(n, 60);
	b = guss_unpress(span_of(out, n), &rc);
	ck_assert(b && span_eq(guss_blob_span(b), guss));
	guss_blob_put(b);
	for (size_t len = 0; len < n; len++) {
		ck_assert_ptr_null(guss_unpress(span_of(out, len), &rc));
		ck_assert_int_eq(rc, -EBADMSG);
	}
	ck_assert_uint_eq(guss_press(out, n - 1, guss), 0);
	ck_assert_uint_eq(guss_press(out, sizeof(out), span_str("x")), 0);
	/* what does not become smaller stays as it is; the largest fits */
	rng_fill(noise, 4096);
	ck_assert_uint_eq(guss_press(out, sizeof(out), span_of(noise, 4096)), 0);
	memset(noise, 'a', GUSS_COPY_MAX);
	n = guss_press(out, sizeof(out), span_of(noise, GUSS_COPY_MAX));
	b = guss_unpress(span_of(out, n), &rc);
	ck_assert(b && span_eq(guss_blob_span(b), span_of(noise, GUSS_COPY_MAX)));
	guss_blob_put(b);
	free(noise);
}
END_TEST

/* More than it promises, less, more than is allowed, another dictionary: none is taken, and no more room than promised is asked for */
START_TEST(guss_hostile)
{
	uint8_t out[4096], bad[4096];
	size_t n = guss_press(out, sizeof(out), span_str(services));
	const struct {
		size_t at;
		uint8_t value;
	} changes[] = { { 0, 0 },
			{ 0, 2 },
			{ 1, 1 },
			{ 1, 3 },
			{ 2, 0 },
			{ 3, (uint8_t)(out[3] - 1) },
			{ 3, (uint8_t)(out[3] + 1) } };
	int rc;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		memcpy(bad, out, n);
		bad[changes[i].at] = changes[i].value;
		if (changes[i].at == 2 && out[2] == 0)
			continue;
		ck_assert_ptr_null(guss_unpress(span_of(bad, n), &rc));
		ck_assert_int_eq(rc, -EBADMSG);
	}
	memcpy(bad, out, n);
	bad[n] = 0;
	ck_assert_ptr_null(guss_unpress(span_of(bad, n + 1), &rc));
}
END_TEST

/* A record made today is read in ten years: the dictionary is as it was */
START_TEST(guss_kept)
{
	static const char pressed[] = "0100009e233dc51a92e34b4323631353337352932b00";
	uint8_t octets[sizeof(pressed) / 2];
	struct guss_blob *b;
	int rc;

	octets_of(octets, sizeof(octets), pressed);
	b = guss_unpress(span_of(octets, sizeof(octets)), &rc);
	ck_assert(b && span_eq(guss_blob_span(b), span_str(services)));
	guss_blob_put(b);
}
END_TEST

/* It is pressed once for all sessions that share it: the later ones keep the same, also of what does not become smaller. */
START_TEST(guss_of_many)
{
	uint8_t noise[1000];
	const struct span gusss[] = { span_str(services), span_of(noise, sizeof(noise)), span_str("x") };

	rng_fill(noise, sizeof(noise));
	for (size_t i = 0; i < sizeof(gusss) / sizeof(gusss[0]); i++) {
		struct gba_session s = session("u@example.org", "bsf.example.org"), t = s;

		s.guss = guss_blob_new(gusss[i]);
		t.guss = guss_blob_get(s.guss);
		for (int turn = 0; turn < 3; turn++) {
			round_trip(&s, i == 0 ? 150 : 90 + gusss[i].len);
			round_trip(&t, i == 0 ? 150 : 90 + gusss[i].len);
		}
		gba_session_clear(&s);
		round_trip(&t, 90 + gusss[i].len);
		gba_session_clear(&t);
	}
}
END_TEST

START_TEST(blob_is_counted)
{
	struct gba_session s = session("u@example.org", "bsf.example.org"), copy;

	s.guss = guss_blob_new(span_str("<guss/>"));
	gba_session_copy(&copy, &s);
	ck_assert_ptr_eq(copy.guss, s.guss);
	gba_session_clear(&s);
	ck_assert_uint_eq(s.ks.len, 0);
	ck_assert_ptr_null(s.guss);
	ck_assert(span_eq(guss_blob_span(copy.guss), span_str("<guss/>")));
	gba_session_clear(&copy);
	ck_assert_ptr_null(guss_blob_get(NULL));
	guss_blob_put(NULL);
	ck_assert_uint_eq(guss_blob_span(NULL).len, 0);
}
END_TEST

SUITE("gba_session", challenge_comes_back, challenge_is_none, comes_back, longest, not_packable, damaged,
      former_version, of_a_maker, short_impi, guss_pressed, guss_hostile, guss_kept, guss_of_many, blob_is_counted)
