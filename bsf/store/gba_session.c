/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file gba_session.c
 *  Session, challenge, GUSS blob, and the packed form of a session. */
#include "bsf/store/gba_session.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define KS_LEN 32

struct guss_blob {
	atomic_uint refs;
	size_t len;
	uint8_t xml[];
};

struct guss_blob *guss_blob_new(struct span xml)
{
	struct guss_blob *b = malloc(sizeof(*b) + xml.len);

	if (!b)
		return NULL;
	atomic_init(&b->refs, 1);
	b->len = xml.len;
	if (xml.len)
		memcpy(b->xml, xml.p, xml.len);
	return b;
}

struct guss_blob *guss_blob_get(struct guss_blob *b)
{
	if (b)
		atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

void guss_blob_put(struct guss_blob *b)
{
	if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
		free(b);
}

struct span guss_blob_span(const struct guss_blob *b)
{
	return b ? span_of(b->xml, b->len) : span_of(NULL, 0);
}

const char *gba_variant_name(enum gba_variant v)
{
	static const char *const names[] = { NULL, "GBA_ME", "GBA_U", "2G", "Digest" };

	return v <= GBA_VARIANT_DIGEST ? names[v] : NULL;
}

void gba_session_copy(struct gba_session *out, const struct gba_session *in)
{
	*out = *in;
	guss_blob_get(out->guss);
}

void gba_session_clear(struct gba_session *s)
{
	guss_blob_put(s->guss);
	OPENSSL_cleanse(s, sizeof(*s));
}

void gba_challenge_copy(struct gba_challenge *out, const struct gba_challenge *in)
{
	*out = *in;
	guss_blob_get(out->guss);
}

void gba_challenge_clear(struct gba_challenge *c)
{
	guss_blob_put(c->guss);
	OPENSSL_cleanse(c, sizeof(*c));
}

/* Packed form. Nearly every name ends in the domain 3GPP gives to operators; one flag saves its 16 octets twice a
 * record.
 *
 *   version 1 | variant 1 | flags 1 | created_at 6 | expires_at 6 | [made_ms 6] | [Ks 32] | [TMPI 24] |
 *   length 1, IMPI | length 1, BSF name | [GUSS, to the end]
 *
 * made_ms since version 2; of one without it the second in which it was put stands for it.
 */
#define PACK_VERSION 2
#define PACK_SUFFIX  ".3gppnetwork.org"
#define SUFFIX_LEN   (sizeof(PACK_SUFFIX) - 1)
#define TIME_MAX     ((INT64_C(1) << 48) - 1)

enum pack_flag {
	PACK_KS = 1,
	PACK_TMPI = 2,
	PACK_GUSS = 4,
	PACK_IMPI_SUFFIX = 8,
	PACK_BSF_SUFFIX = 16,
	PACK_FLAGS = 31,
};

/* Length of name without the suffix, if it has it; else the whole and flag is not added. */
static size_t suffix_cut(const char *name, uint8_t flag, uint8_t *flags)
{
	size_t len = strlen(name);

	if (len <= SUFFIX_LEN || memcmp(name + len - SUFFIX_LEN, PACK_SUFFIX, SUFFIX_LEN))
		return len;
	*flags |= flag;
	return len - SUFFIX_LEN;
}

static bool session_packable(const struct gba_session *s)
{
	return (s->ks.len == 0 || s->ks.len == KS_LEN) && s->created_at >= 0 && s->created_at <= TIME_MAX &&
	       s->expires_at >= 0 && s->expires_at <= TIME_MAX && s->made_ms >= 0 && s->made_ms <= TIME_MAX;
}

int gba_session_pack(uint8_t *out, size_t cap, const struct gba_session *s)
{
	struct span guss = guss_blob_span(s->guss);
	uint8_t head[21] = { PACK_VERSION, (uint8_t)s->variant }, one;
	size_t impi_len, bsf_len;
	struct writer w;

	if (!session_packable(s))
		return -EINVAL;
	if (s->ks.len)
		head[2] |= PACK_KS;
	if (s->has_tmpi)
		head[2] |= PACK_TMPI;
	if (guss.len)
		head[2] |= PACK_GUSS;
	impi_len = suffix_cut(s->impi.s, PACK_IMPI_SUFFIX, &head[2]);
	bsf_len = suffix_cut(s->bsf_name, PACK_BSF_SUFFIX, &head[2]);
	be48_put(head + 3, (uint64_t)s->created_at);
	be48_put(head + 9, (uint64_t)s->expires_at);
	be48_put(head + 15, (uint64_t)s->made_ms);

	writer_init(&w, out, cap);
	writer_put(&w, head, sizeof(head));
	writer_put(&w, s->ks.b, s->ks.len);
	if (s->has_tmpi)
		writer_put(&w, s->tmpi, TMPI_LEN);
	one = (uint8_t)impi_len;
	writer_put(&w, &one, 1);
	writer_put(&w, s->impi.s, impi_len);
	one = (uint8_t)bsf_len;
	writer_put(&w, &one, 1);
	writer_put(&w, s->bsf_name, bsf_len);
	writer_span(&w, guss);
	return w.overflow ? -ENOSPC : (int)w.len;
}

/* Cut n octets off the front. */
static bool gba_session_take(struct span *from, size_t n, struct span *out)
{
	if (from->len < n)
		return false;
	*out = span_of(from->p, n);
	from->p += n;
	from->len -= n;
	return true;
}

/* Cut a length-prefixed name off the front; cap counts the NUL. */
static bool take_name(struct span *from, char *out, size_t cap, bool suffix)
{
	struct span len, name;
	size_t whole;

	if (!gba_session_take(from, 1, &len) || !gba_session_take(from, len.p[0], &name))
		return false;
	whole = name.len + (suffix ? SUFFIX_LEN : 0);
	if (name.len == 0 || whole + 1 > cap || memchr(name.p, 0, name.len))
		return false;
	memcpy(out, name.p, name.len);
	if (suffix)
		memcpy(out + name.len, PACK_SUFFIX, SUFFIX_LEN);
	out[whole] = '\0';
	return true;
}

/* All but the GUSS, which is what remains of rest. */
static bool unpack_fields(struct gba_session *s, struct span *rest)
{
	struct span head, f;
	uint8_t flags;

	if (!gba_session_take(rest, 15, &head) || head.p[0] < 1 || head.p[0] > PACK_VERSION)
		return false;
	flags = head.p[2];
	if (head.p[1] < GBA_VARIANT_ME || head.p[1] > GBA_VARIANT_DIGEST || (flags & ~PACK_FLAGS))
		return false;
	s->variant = (enum gba_variant)head.p[1];
	s->created_at = (int64_t)be48_get(head.p + 3);
	s->expires_at = (int64_t)be48_get(head.p + 9);
	s->made_ms = s->created_at * 1000;
	if (head.p[0] > 1) {
		if (!gba_session_take(rest, 6, &f))
			return false;
		s->made_ms = (int64_t)be48_get(f.p);
	}
	if (flags & PACK_KS) {
		if (!gba_session_take(rest, KS_LEN, &f) || secret_set(&s->ks, f.p, f.len) < 0)
			return false;
	}
	if (flags & PACK_TMPI) {
		if (!gba_session_take(rest, TMPI_LEN, &f))
			return false;
		s->has_tmpi = true;
		memcpy(s->tmpi, f.p, TMPI_LEN);
	}
	if (!take_name(rest, s->impi.s, sizeof(s->impi.s), flags & PACK_IMPI_SUFFIX) ||
	    !take_name(rest, s->bsf_name, sizeof(s->bsf_name), flags & PACK_BSF_SUFFIX))
		return false;
	return (flags & PACK_GUSS) ? rest->len > 0 : rest->len == 0;
}

int gba_session_unpack(struct gba_session *out, const uint8_t rand[AKA_RAND_LEN], const uint8_t *buf, size_t len)
{
	struct span rest = span_of(buf, len);
	struct gba_session s = { 0 };
	int rc = -EBADMSG;

	if (len > GBA_RECORD_MAX || !unpack_fields(&s, &rest))
		goto fail;
	if (rest.len) {
		s.guss = guss_blob_new(rest);
		rc = -ENOMEM;
		if (!s.guss)
			goto fail;
	}
	memcpy(s.rand, rand, AKA_RAND_LEN);
	*out = s;
	secret_clear(&s.ks);
	return 0;
fail:
	gba_session_clear(&s);
	return rc;
}
