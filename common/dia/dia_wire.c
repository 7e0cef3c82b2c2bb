/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_wire.h"

#include <errno.h>
#include "common/gba/gba_time.h"

static uint32_t be24_get(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static void be24_put(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static size_t padding(size_t len)
{
	return -len & 3;
}

void dia_wire_hdr(struct dia_hdr *out, const uint8_t *p)
{
	*out = (struct dia_hdr){
		.version = p[0],
		.len = be24_get(p + 1),
		.flags = p[4],
		.command = be24_get(p + 5),
		.app = be32_get(p + 8),
		.hop_by_hop = be32_get(p + 12),
		.end_to_end = be32_get(p + 16),
	};
}

struct dia_iter dia_wire_avps(struct span msg)
{
	return (struct dia_iter){ msg.p + DIA_HDR_LEN, msg.p + msg.len };
}

struct dia_iter dia_wire_inside(const struct dia_avp *group)
{
	return (struct dia_iter){ group->data.p, group->data.p + group->data.len };
}

/* All but the name. */
static int next_unnamed(struct dia_iter *it, struct dia_avp *out)
{
	size_t left = it->end - it->at, hdr, len;
	const uint8_t *p = it->at;
	struct dia_avp a;

	if (left == 0)
		return 0;
	if (left < DIA_AVP_HDR)
		return -EBADMSG;
	len = be24_get(p + 5);
	hdr = p[4] & DIA_FLAG_V ? DIA_AVP_HDR_V : DIA_AVP_HDR;
	if (len < hdr || len > left)
		return -EBADMSG;
	a = (struct dia_avp){ .code = be32_get(p), .flags = p[4], .whole = span_of(p, len) };
	if (p[4] & DIA_FLAG_V)
		a.vendor = be32_get(p + DIA_AVP_HDR);
	a.data = span_of(p + hdr, len - hdr);
	*out = a;
	/* the last one of a group may come without its padding */
	it->at = padding(len) > left - len ? it->end : p + len + padding(len);
	return 1;
}

/* V with vendor 0 (4.1.1 MUST NOT) is nobody's AVP */
static bool is_nobodys(const struct dia_avp *a)
{
	return a->flags & DIA_FLAG_V && !a->vendor;
}

int dia_wire_next(struct dia_iter *it, struct dia_avp *out)
{
	int rc = next_unnamed(it, out);

	if (rc == 1)
		out->id = is_nobodys(out) ? AVP_UNKNOWN : dia_dict_find(out->code, out->vendor);
	return rc;
}

bool dia_wire_next_of(struct dia_iter *it, struct dia_avp *out, enum dia_avp_id id)
{
	const struct dia_def *d = dia_dict(id);
	struct dia_avp a;

	while (next_unnamed(it, &a) == 1)
		if (a.code == d->code && a.vendor == d->vendor && !is_nobodys(&a)) {
			a.id = id;
			*out = a;
			return true;
		}
	return false;
}

bool dia_wire_find(struct dia_avp *out, struct dia_iter it, enum dia_avp_id id)
{
	return dia_wire_next_of(&it, out, id);
}

uint32_t dia_wire_u32(const struct dia_avp *a)
{
	return be32_get(a->data.p);
}

time_t dia_wire_time(const struct dia_avp *a)
{
	return ntp_to_time(be32_get(a->data.p));
}

void dia_wire_begin(struct writer *w, const struct dia_hdr *hdr)
{
	uint8_t b[DIA_HDR_LEN] = { DIA_VERSION };

	b[4] = hdr->flags;
	be24_put(b + 5, hdr->command);
	be32_put(b + 8, hdr->app);
	be32_put(b + 12, hdr->hop_by_hop);
	be32_put(b + 16, hdr->end_to_end);
	writer_put(w, b, sizeof(b));
}

int dia_wire_end(struct writer *w)
{
	if (w->overflow || w->len > DIA_LEN_MAX)
		return -ENOSPC;
	be24_put(w->p + 1, (uint32_t)w->len);
	return (int)w->len;
}

static void pad(struct writer *w, size_t len)
{
	static const uint8_t zero[3];

	writer_put(w, zero, padding(len));
}

/* \returns octets of the header */
static size_t put_hdr(struct writer *w, enum dia_avp_id id, size_t data_len)
{
	const struct dia_def *d = dia_dict(id);
	size_t hdr = d->vendor ? DIA_AVP_HDR_V : DIA_AVP_HDR;
	uint8_t b[DIA_AVP_HDR_V];

	if (data_len > DIA_LEN_MAX - hdr)
		w->overflow = true;
	be32_put(b, d->code);
	b[4] = d->flags;
	be24_put(b + 5, (uint32_t)(hdr + data_len));
	be32_put(b + DIA_AVP_HDR, d->vendor);
	writer_put(w, b, hdr);
	return hdr;
}

void dia_wire_put(struct writer *w, enum dia_avp_id id, struct span data)
{
	put_hdr(w, id, data.len);
	writer_span(w, data);
	pad(w, data.len);
}

void dia_wire_put_str(struct writer *w, enum dia_avp_id id, const char *s)
{
	dia_wire_put(w, id, span_str(s));
}

void dia_wire_put_u32(struct writer *w, enum dia_avp_id id, uint32_t v)
{
	uint8_t b[4];

	be32_put(b, v);
	dia_wire_put(w, id, span_of(b, sizeof(b)));
}

void dia_wire_put_time(struct writer *w, enum dia_avp_id id, time_t t)
{
	dia_wire_put_u32(w, id, ntp_from_time(t));
}

void dia_wire_put_whole(struct writer *w, struct span whole)
{
	writer_span(w, whole);
	pad(w, whole.len);
}

size_t dia_wire_group(struct writer *w, enum dia_avp_id id)
{
	size_t mark = w->len;

	put_hdr(w, id, 0);
	return mark;
}

void dia_wire_group_end(struct writer *w, size_t mark)
{
	if (w->overflow || w->len - mark > DIA_LEN_MAX)
		w->overflow = true;
	else
		be24_put(w->p + mark + 5, (uint32_t)(w->len - mark));
}
