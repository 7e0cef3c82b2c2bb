/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file record.c
 *  A session as it lies on a disk. */
#include "bsf/store/record.h"

#include <errno.h>
#include "common/base/ascii.h"

#define AAD_LEN (AKA_RAND_LEN + RECORD_HEAD_LEN)

int record_head_read(struct record_head *out, struct span value)
{
	const uint8_t *p = value.p;

	if (value.len < RECORD_HEAD_LEN || value.len > RECORD_MAX || p[0] < RECORD_SESSION || p[0] > RECORD_REMNANT)
		return -EBADMSG;
	out->kind = (enum record_kind)p[0];
	out->expires_at = (int64_t)be48_get(p + 1);
	memcpy(out->impi_tag, p + 7, RECORD_IMPI_TAG_LEN);
	out->name_tag = be32_get(p + 19);
	out->tmpi_tag = be64_get(p + 23);
	return 0;
}

bool record_head_lives(const struct record_head *h, int64_t now_s)
{
	return h->kind == RECORD_SESSION && h->expires_at > now_s;
}

static void head_write(uint8_t *p, const struct record_head *h)
{
	p[0] = (uint8_t)h->kind;
	be48_put(p + 1, (uint64_t)h->expires_at);
	memcpy(p + 7, h->impi_tag, RECORD_IMPI_TAG_LEN);
	be32_put(p + 19, h->name_tag);
	be64_put(p + 23, h->tmpi_tag);
}

int record_impi_tag(uint8_t out[RECORD_IMPI_TAG_LEN], const struct record_keys *k, const char *impi)
{
	struct impi key;
	uint8_t mac[32];

	impi_key(&key, impi);
	if (seal_index(mac, &k->index_key, span_str(key.s)) < 0)
		return -EIO;
	memcpy(out, mac, RECORD_IMPI_TAG_LEN);
	return 0;
}

/* No IMPI is taken for a BSF name under the one key: an IMPI holds an @. */
static int name_tag(uint32_t *out, const struct record_keys *k, const char *name)
{
	char low[BSF_NAME_MAX + 1];
	uint8_t mac[32];
	size_t n = strlen(name);

	ascii_lower_copy(low, name, n);
	if (seal_index(mac, &k->index_key, span_of(low, n)) < 0)
		return -EIO;
	*out = be32_get(mac);
	return 0;
}

uint64_t record_tmpi_tag(const uint8_t tmpi[TMPI_LEN])
{
	return be64_get(tmpi);
}

int record_head_make(struct record_head *out, const struct record_keys *k, enum record_kind kind,
		     const struct gba_session *s)
{
	struct record_head h = { .kind = kind, .expires_at = s->expires_at };

	if (record_impi_tag(h.impi_tag, k, s->impi.s) < 0 || name_tag(&h.name_tag, k, s->bsf_name) < 0)
		return -EIO;
	if (s->has_tmpi)
		h.tmpi_tag = record_tmpi_tag(s->tmpi);
	*out = h;
	return 0;
}

static struct span aad_make(uint8_t aad[AAD_LEN], const uint8_t *rand, const uint8_t *head)
{
	memcpy(aad, rand, AKA_RAND_LEN);
	memcpy(aad + AKA_RAND_LEN, head, RECORD_HEAD_LEN);
	return span_of(aad, AAD_LEN);
}

int record_write(uint8_t *out, size_t cap, const struct record_keys *k, const struct record_head *h,
		 const uint8_t rand[AKA_RAND_LEN], const struct gba_session *s)
{
	BUFFER_UNCLEARED uint8_t plain[GBA_RECORD_MAX];
	uint8_t aad[AAD_LEN];
	int n, rc;

	if (cap < RECORD_HEAD_LEN)
		return -ENOSPC;
	head_write(out, h);
	if (!s)
		return RECORD_HEAD_LEN;
	if (h->expires_at != s->expires_at || h->tmpi_tag != (s->has_tmpi ? record_tmpi_tag(s->tmpi) : 0))
		return -EINVAL; /* what is packed relies on it */
	n = gba_session_pack(plain, sizeof(plain), s);
	if (n < 0)
		return n;
	rc = seal_put(k->seal, out + RECORD_HEAD_LEN, cap - RECORD_HEAD_LEN, span_of(plain, (size_t)n),
		      aad_make(aad, rand, out));
	explicit_bzero(plain, (size_t)n);
	return rc < 0 ? rc : RECORD_HEAD_LEN + rc;
}

int record_read(struct gba_session *out, const struct record_keys *k, const uint8_t rand[AKA_RAND_LEN],
		struct span value)
{
	BUFFER_UNCLEARED uint8_t plain[GBA_RECORD_MAX];
	uint8_t aad[AAD_LEN];
	struct gba_session_known known;
	struct record_head h;
	struct span sealed = record_sealed(value);
	int len = seal_content_len(sealed), rc;

	if (len < 0 || record_head_read(&h, value) < 0)
		return -EBADMSG;
	known = (struct gba_session_known){ h.expires_at, h.tmpi_tag };
	rc = seal_open(k->seal, plain, sizeof(plain), sealed, aad_make(aad, rand, value.p));
	if (rc >= 0)
		rc = gba_session_unpack(out, rand, &known, plain, (size_t)len);
	explicit_bzero(plain, (size_t)len < sizeof(plain) ? (size_t)len : sizeof(plain));
	return rc;
}

struct span record_sealed(struct span value)
{
	if (value.len <= RECORD_HEAD_LEN)
		return span_of(NULL, 0);
	return span_of(value.p + RECORD_HEAD_LEN, value.len - RECORD_HEAD_LEN);
}

int record_reseal(uint8_t *out, size_t cap, const struct record_keys *k, const uint8_t rand[AKA_RAND_LEN],
		  struct span value)
{
	uint8_t aad[AAD_LEN];
	int n;

	if (value.len <= RECORD_HEAD_LEN || value.len > RECORD_MAX || cap < RECORD_HEAD_LEN)
		return -EBADMSG;
	memcpy(out, value.p, RECORD_HEAD_LEN);
	n = seal_again(k->seal, out + RECORD_HEAD_LEN, cap - RECORD_HEAD_LEN, record_sealed(value),
		       aad_make(aad, rand, value.p));
	return n < 0 ? n : RECORD_HEAD_LEN + n;
}

bool record_index_take(struct record_index *out, struct span value)
{
	if (seal_content_len(value) != RECORD_INDEX_LEN)
		return false;
	memcpy(out->sealed, value.p, value.len);
	out->len = value.len;
	return true;
}

struct span record_index_span(const struct record_index *i)
{
	return span_of(i->sealed, i->len);
}

int record_index_seal(struct record_index *out, const struct record_keys *k, const char *bind)
{
	int n = seal_put(k->seal, out->sealed, sizeof(out->sealed), span_of(k->index_key.b, RECORD_INDEX_LEN),
			 span_str(bind));

	out->len = n < 0 ? 0 : (size_t)n;
	return n < 0 ? -EIO : 0;
}

int record_index_open(struct record_keys *k, struct span value, const char *bind)
{
	SECRET_AUTO key = { .len = RECORD_INDEX_LEN };
	int n = seal_content_len(value) == RECORD_INDEX_LEN
			? seal_open(k->seal, key.b, RECORD_INDEX_LEN, value, span_str(bind))
			: -EBADMSG;

	if (n >= 0)
		k->index_key = key;
	return n < 0 ? n : 0;
}
