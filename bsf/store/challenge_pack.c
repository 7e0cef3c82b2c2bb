/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file challenge_pack.c
 *  A challenge as it is sealed where other processes may take it.
 *
 *    version 1 | variant 1 | hash 1 | flags 1 | created_at 6 | made_ms 6 | key life 6 | end 6 | length 1, XRES | Ks 32 |
 *    opaque 32 | length 1, IMPI | length 2, user name | length 1, BSF name | GUSS, to the end */
#include <errno.h>
#include <string.h>

#include "bsf/store/gba_session.h"

#define PACK_VERSION 1
#define HEAD_LEN     28
#define KS_LEN       32
#define OPAQUE_LEN   32
#define TIME_MAX     ((INT64_C(1) << 48) - 1)

enum challenge_flag { CHALLENGE_AKAV2 = 1, CHALLENGE_UICC_GBA_U = 2, CHALLENGE_GUSS = 4, CHALLENGE_FLAGS = 7 };

static bool in_range(int64_t t)
{
	return t >= 0 && t <= TIME_MAX;
}

static void put_name(struct writer *w, const char *name)
{
	size_t len = strlen(name);
	uint8_t n[2];

	be16_put(n, (uint16_t)len);
	writer_put(w, n, sizeof(n));
	writer_put(w, name, len);
}

int gba_challenge_pack(uint8_t *out, size_t cap, const struct gba_challenge *c)
{
	struct span guss = guss_blob_span(c->guss);
	uint8_t head[HEAD_LEN] = { PACK_VERSION, (uint8_t)c->variant, (uint8_t)c->hash };
	struct writer w;

	if (!in_range(c->created_at) || !in_range(c->made_ms) || !in_range(c->key_life_s) ||
	    c->expires_mono_ms > (uint64_t)TIME_MAX || c->aka.ks.len != KS_LEN || strlen(c->opaque) != OPAQUE_LEN)
		return -EINVAL;
	head[3] = (c->akav2 ? CHALLENGE_AKAV2 : 0) | (c->aka.uicc_gba_u ? CHALLENGE_UICC_GBA_U : 0) |
		  (guss.len ? CHALLENGE_GUSS : 0);
	be48_put(head + 4, (uint64_t)c->created_at);
	be48_put(head + 10, (uint64_t)c->made_ms);
	be48_put(head + 16, (uint64_t)c->key_life_s);
	be48_put(head + 22, c->expires_mono_ms);
	writer_init(&w, out, cap);
	writer_put(&w, head, sizeof(head));
	writer_put(&w, &c->aka.xres.len, 1);
	writer_put(&w, c->aka.xres.b, c->aka.xres.len);
	writer_put(&w, c->aka.ks.b, KS_LEN);
	writer_put(&w, c->opaque, OPAQUE_LEN);
	put_name(&w, c->impi.s);
	put_name(&w, c->username);
	put_name(&w, c->bsf_name);
	writer_span(&w, guss);
	return w.overflow ? -ENOSPC : (int)w.len;
}

/* Cut n octets off the front. */
static bool cut(struct span *from, size_t n, struct span *out)
{
	if (from->len < n)
		return false;
	*out = span_of(from->p, n);
	from->p += n;
	from->len -= n;
	return true;
}

static bool cut_name(struct span *from, char *out, size_t cap)
{
	struct span len, name;

	return cut(from, 2, &len) && cut(from, be16_get(len.p), &name) && name.len && span_to_str(out, cap, name) == 0;
}

static bool cut_head(struct gba_challenge *c, struct span *rest, uint8_t *flags)
{
	struct span head;

	if (!cut(rest, HEAD_LEN, &head) || head.p[0] != PACK_VERSION || head.p[1] < GBA_VARIANT_ME ||
	    head.p[1] > GBA_VARIANT_U || head.p[2] > DIGEST_SHA256 || (head.p[3] & ~CHALLENGE_FLAGS))
		return false;
	*flags = head.p[3];
	c->variant = (enum gba_variant)head.p[1];
	c->hash = (enum digest_hash)head.p[2];
	c->akav2 = *flags & CHALLENGE_AKAV2;
	c->aka.uicc_gba_u = *flags & CHALLENGE_UICC_GBA_U;
	c->created_at = (int64_t)be48_get(head.p + 4);
	c->made_ms = (int64_t)be48_get(head.p + 10);
	c->key_life_s = (int64_t)be48_get(head.p + 16);
	c->expires_mono_ms = be48_get(head.p + 22);
	return true;
}

/* All but the GUSS, which is what remains of rest. */
static bool cut_fields(struct gba_challenge *c, struct span *rest)
{
	struct span f;
	uint8_t flags;

	if (!cut_head(c, rest, &flags))
		return false;
	if (!cut(rest, 1, &f) || !cut(rest, f.p[0], &f) || secret_set(&c->aka.xres, f.p, f.len) < 0)
		return false;
	if (!cut(rest, KS_LEN, &f) || secret_set(&c->aka.ks, f.p, f.len) < 0)
		return false;
	if (!cut(rest, OPAQUE_LEN, &f) || span_to_str(c->opaque, sizeof(c->opaque), f) < 0)
		return false;
	if (!cut_name(rest, c->impi.s, sizeof(c->impi.s)) || !cut_name(rest, c->username, sizeof(c->username)) ||
	    !cut_name(rest, c->bsf_name, sizeof(c->bsf_name)))
		return false;
	return (flags & CHALLENGE_GUSS) ? rest->len > 0 : rest->len == 0;
}

int gba_challenge_unpack(struct gba_challenge *out, const uint8_t *buf, size_t len)
{
	struct span rest = span_of(buf, len);
	struct gba_challenge c = { .guss = NULL };
	int rc = cut_fields(&c, &rest) ? 0 : -EBADMSG;

	if (rc == 0 && rest.len && !(c.guss = guss_blob_new(rest)))
		rc = -ENOMEM;
	if (rc == 0)
		gba_challenge_copy(out, &c);
	gba_challenge_clear(&c);
	return rc;
}
