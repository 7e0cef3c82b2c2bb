/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file gba_session.c
 *  Session, challenge, GUSS blob, and the packed form of a session. */
#include "bsf/store/gba_session.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bsf/store/guss_press.h"

#define KS_LEN 32

struct guss_blob {
	atomic_uint refs;
	_Atomic(struct guss_blob *) pressed; /* owned; NULL: not yet; of no octets: it does not become smaller */
	size_t len;
	uint8_t xml[];
};

struct guss_blob *guss_blob_get(struct guss_blob *b)
{
	if (b)
		atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

struct guss_blob *guss_blob_room(size_t len, uint8_t **xml)
{
	struct guss_blob *b = malloc(sizeof(*b) + len);

	if (!b)
		return NULL;
	atomic_init(&b->refs, 1);
	atomic_init(&b->pressed, NULL);
	b->len = len;
	*xml = b->xml;
	return b;
}

struct guss_blob *guss_blob_new(struct span xml)
{
	uint8_t *room;
	struct guss_blob *b = guss_blob_room(xml.len, &room);

	if (b && xml.len)
		memcpy(room, xml.p, xml.len);
	return b;
}

void guss_blob_put(struct guss_blob *b)
{
	if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return;
	guss_blob_put(atomic_load(&b->pressed));
	free(b);
}

struct span guss_blob_span(const struct guss_blob *b)
{
	return b ? span_of(b->xml, b->len) : span_of(NULL, 0);
}

/* As it is kept, made once for all sessions that share it: to press it costs as much as all the cryptography of a bootstrap.
 * \returns empty: as it is */
static struct span pressed_of(struct guss_blob *b)
{
	struct guss_blob *p = b ? atomic_load(&b->pressed) : NULL, *there = NULL, *less;
	uint8_t *room;

	if (p || !b)
		return guss_blob_span(p);
	p = guss_blob_room(b->len, &room);
	if (!p)
		return span_of(NULL, 0);
	p->len = guss_press(room, b->len, guss_blob_span(b));
	less = realloc(p, sizeof(*p) + p->len);
	p = less ? less : p;
	if (!atomic_compare_exchange_strong(&b->pressed, &there, p)) {
		guss_blob_put(p);
		p = there;
	}
	return guss_blob_span(p);
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
	explicit_bzero(s, sizeof(*s)); /* 700 octets, for each BIR: four times as fast as OPENSSL_cleanse() */
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
 *   version and variant, 4 bits each | flags 1 | created_at 5 | made_ms 6 | [maker 2] | [Ks 32] | [TMPI without its tag 16] |
 *   length 1, IMPI | [length 1, BSF name] | [GUSS, to the end, perhaps deflated (guss_press.h)]
 *
 * What its head says is not said twice. The name of the BSF is left out where it is that of the IMPI's home (23.003 16.2): so a record
 * with a TMPI is 152 octets whole, and a step of Redis' memory ends at 156. Before version 4 version and variant had an octet each,
 * created_at 6; before version 3 there were expires_at 6 behind it, all of the TMPI and every name; before version 2 no made_ms: the
 * second in which it was put stands for it.
 */
#define PACK_VERSION 4
#define TMPI_REST    (TMPI_LEN - 8)
#define PACK_SUFFIX  ".3gppnetwork.org"
#define SUFFIX_LEN   (sizeof(PACK_SUFFIX) - 1)
#define TIME_MAX     ((INT64_C(1) << 48) - 1)
#define CREATED_MAX  ((INT64_C(1) << 40) - 1)

enum pack_flag {
	PACK_KS = 1,
	PACK_TMPI = 2,
	PACK_GUSS = 4,
	PACK_IMPI_SUFFIX = 8,
	PACK_BSF_SUFFIX = 16,
	PACK_BSF_HOME = 32,
	PACK_FLAGS_2 = 31, /* of versions 1 and 2 */
	PACK_GUSS_PRESSED = 64,
	PACK_MAKER = 128, /* no release before this one wrote it */
	PACK_FLAGS = 255,
};

/* "bsf.mncNNN.mccNNN.pub.3gppnetwork.org" of "...@ims.mncNNN.mccNNN.3gppnetwork.org". \returns false: it has another form */
static bool home_name(char out[BSF_NAME_MAX + 1], const char *impi)
{
	const char *domain = strchr(impi, '@');
	size_t n = domain ? strlen(domain) : 0;
	struct writer w;

	if (n <= 5 + SUFFIX_LEN || memcmp(domain, "@ims.", 5) ||
	    memcmp(domain + n - SUFFIX_LEN, PACK_SUFFIX, SUFFIX_LEN))
		return false;
	writer_init(&w, out, BSF_NAME_MAX + 1);
	writer_str(&w, "bsf.");
	writer_put(&w, domain + 5, n - 5 - SUFFIX_LEN);
	writer_str(&w, ".pub" PACK_SUFFIX);
	return writer_end(&w) >= 0;
}

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
	return (s->ks.len == 0 || s->ks.len == KS_LEN) && s->created_at >= 0 && s->created_at <= CREATED_MAX &&
	       s->expires_at >= 0 && s->expires_at <= TIME_MAX && s->made_ms >= 0 && s->made_ms <= TIME_MAX;
}

static void pack_name(struct writer *w, const char *name, size_t len)
{
	uint8_t one = (uint8_t)len;

	writer_put(w, &one, 1);
	writer_put(w, name, len);
}

int gba_session_pack(uint8_t *out, size_t cap, const struct gba_session *s)
{
	struct span guss = guss_blob_span(s->guss), pressed = pressed_of(s->guss);
	uint8_t head[13], flags = 0;
	char home[BSF_NAME_MAX + 1];
	size_t impi_len, bsf_len = 0;
	uint8_t maker[2];
	struct writer w;

	if (!session_packable(s))
		return -EINVAL;
	if (s->maker)
		flags |= PACK_MAKER;
	if (s->ks.len)
		flags |= PACK_KS;
	if (s->has_tmpi)
		flags |= PACK_TMPI;
	if (guss.len)
		flags |= pressed.len ? PACK_GUSS | PACK_GUSS_PRESSED : PACK_GUSS;
	impi_len = suffix_cut(s->impi.s, PACK_IMPI_SUFFIX, &flags);
	if (home_name(home, s->impi.s) && strcmp(home, s->bsf_name) == 0)
		flags |= PACK_BSF_HOME;
	else
		bsf_len = suffix_cut(s->bsf_name, PACK_BSF_SUFFIX, &flags);
	head[0] = (uint8_t)(PACK_VERSION | s->variant << 4);
	be48_put(head + 1, (uint64_t)flags << 40 | (uint64_t)s->created_at);
	be48_put(head + 7, (uint64_t)s->made_ms);

	writer_init(&w, out, cap);
	writer_put(&w, head, sizeof(head));
	be16_put(maker, s->maker);
	writer_put(&w, maker, s->maker ? sizeof(maker) : 0);
	writer_put(&w, s->ks.b, s->ks.len);
	if (s->has_tmpi)
		writer_put(&w, s->tmpi + TMPI_LEN - TMPI_REST, TMPI_REST);
	pack_name(&w, s->impi.s, impi_len);
	if (!(flags & PACK_BSF_HOME))
		pack_name(&w, s->bsf_name, bsf_len);
	writer_span(&w, pressed.len ? pressed : guss);
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

/* What stands before the instants. \returns false: there is less, or it is none of ours */
static bool take_head(struct span *rest, uint8_t *version, uint8_t *variant, uint8_t *flags)
{
	struct span head;

	if (!gba_session_take(rest, 2, &head))
		return false;
	*version = head.p[0] & 15;
	*variant = head.p[0] >> 4;
	*flags = head.p[1];
	if (*version < 4) { /* an octet each */
		if (head.p[0] != *version || !gba_session_take(rest, 1, &head))
			return false;
		*variant = *flags;
		*flags = head.p[0];
	}
	return *version >= 1 && *version <= PACK_VERSION && *variant >= GBA_VARIANT_ME &&
	       *variant <= GBA_VARIANT_DIGEST && !(*flags & ~(*version < 3 ? PACK_FLAGS_2 : PACK_FLAGS));
}

/* The instants. \returns false: there is less, or one cannot be */
static bool take_times(struct gba_session *s, struct span *rest, uint8_t version, int64_t expires_at)
{
	size_t len = version < 4 ? 6 : 5;
	struct span f;

	if (!gba_session_take(rest, len, &f))
		return false;
	for (size_t i = 0; i < len; i++)
		s->created_at = s->created_at << 8 | f.p[i];
	s->made_ms = s->created_at * 1000;
	s->expires_at = expires_at;
	if (version < 3) {
		if (!gba_session_take(rest, 6, &f))
			return false;
		s->expires_at = (int64_t)be48_get(f.p);
	}
	if (version >= 2) {
		if (!gba_session_take(rest, 6, &f))
			return false;
		s->made_ms = (int64_t)be48_get(f.p);
	}
	return s->made_ms <= TIME_MAX && s->created_at <= CREATED_MAX;
}

static bool take_tmpi(struct gba_session *s, struct span *rest, uint8_t version, uint64_t tag)
{
	size_t known = version < 3 ? 0 : TMPI_LEN - TMPI_REST;
	struct span f;

	if (!gba_session_take(rest, TMPI_LEN - known, &f))
		return false;
	s->has_tmpi = true;
	be64_put(s->tmpi, tag);
	memcpy(s->tmpi + known, f.p, f.len);
	return true;
}

/* All but the GUSS, which is what remains of rest. */
static bool unpack_fields(struct gba_session *s, struct span *rest, const struct gba_session_known *known,
			  bool *pressed)
{
	uint8_t flags, version, variant;
	struct span f;

	if (!take_head(rest, &version, &variant, &flags))
		return false;
	s->variant = (enum gba_variant)variant;
	if (!take_times(s, rest, version, known->expires_at))
		return false;
	if (flags & PACK_MAKER) {
		if (!gba_session_take(rest, sizeof(s->maker), &f))
			return false;
		s->maker = be16_get(f.p);
	}
	if (flags & PACK_KS) {
		if (!gba_session_take(rest, KS_LEN, &f) || secret_set(&s->ks, f.p, f.len) < 0)
			return false;
	}
	if ((flags & PACK_TMPI) && !take_tmpi(s, rest, version, known->tmpi_tag))
		return false;
	if (!take_name(rest, s->impi.s, sizeof(s->impi.s), flags & PACK_IMPI_SUFFIX))
		return false;
	if (flags & PACK_BSF_HOME ? !home_name(s->bsf_name, s->impi.s)
				  : !take_name(rest, s->bsf_name, sizeof(s->bsf_name), flags & PACK_BSF_SUFFIX))
		return false;
	*pressed = flags & PACK_GUSS_PRESSED;
	return (flags & PACK_GUSS) ? rest->len > 0 : rest->len == 0 && !*pressed;
}

int gba_session_unpack(struct gba_session *out, const uint8_t rand[AKA_RAND_LEN], const struct gba_session_known *known,
		       const uint8_t *buf, size_t len)
{
	struct span rest = span_of(buf, len);
	struct gba_session s = { 0 };
	bool pressed = false;
	int rc = -EBADMSG;

	if (len > GBA_RECORD_MAX || !unpack_fields(&s, &rest, known, &pressed))
		goto fail;
	if (rest.len) {
		rc = -ENOMEM;
		s.guss = pressed ? guss_unpress(rest, &rc) : guss_blob_new(rest);
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

/* No IMPI ends so. */
#define SHORT_END '\1'

size_t gba_impi_short(char out[IMPI_MAX + 1], const char *impi)
{
	uint8_t flags = 0;
	size_t n = suffix_cut(impi, PACK_IMPI_SUFFIX, &flags);

	memcpy(out, impi, n);
	if (flags)
		out[n++] = SHORT_END;
	return n;
}

int gba_impi_whole(struct impi *out, struct span text)
{
	bool is_short = text.len && text.p[text.len - 1] == SHORT_END;
	struct impi whole = { "" };

	if (span_to_str(whole.s, sizeof(whole.s) - (is_short ? SUFFIX_LEN : 0), text) < 0)
		return -EBADMSG;
	if (is_short)
		memcpy(whole.s + text.len - 1, PACK_SUFFIX, SUFFIX_LEN + 1);
	*out = whole;
	return 0;
}
