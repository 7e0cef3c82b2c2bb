/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/base/bytes.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include "common/base/ascii.h"

bool span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool span_ieq(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	if (a.len == 0 || memcmp(a.p, b.p, a.len) == 0) /* most are written the same */
		return true;
	for (size_t i = 0; i < a.len; i++) {
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	}
	return true;
}

int span_to_str(char *out, size_t cap, struct span s)
{
	if (s.len >= cap)
		return -E2BIG;
	if (s.len && memchr(s.p, 0, s.len))
		return -EBADMSG;
	if (s.len)
		memcpy(out, s.p, s.len);
	out[s.len] = '\0';
	return 0;
}

void writer_init(struct writer *w, void *mem, size_t cap)
{
	*w = (struct writer){ .p = mem, .cap = cap };
}

void writer_put(struct writer *w, const void *p, size_t len)
{
	if (w->overflow || len > w->cap - w->len) {
		w->overflow = true;
		return;
	}
	if (len)
		memcpy(w->p + w->len, p, len);
	w->len += len;
}

void writer_str(struct writer *w, const char *s)
{
	writer_put(w, s, strlen(s));
}

void writer_span(struct writer *w, struct span s)
{
	writer_put(w, s.p, s.len);
}

void writer_printf(struct writer *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (w->overflow)
		return;
	va_start(ap, fmt);
	n = vsnprintf((char *)w->p + w->len, w->cap - w->len, fmt, ap);
	va_end(ap);
	/* vsnprintf writes a NUL behind the text; without room for it the text was cut */
	if (n < 0 || (size_t)n >= w->cap - w->len)
		w->overflow = true;
	else
		w->len += n;
}

int writer_end(struct writer *w)
{
	if (w->overflow || w->len >= w->cap)
		return -ENOSPC;
	w->p[w->len] = '\0';
	return (int)w->len;
}

uint16_t be16_get(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t be32_get(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

uint64_t be48_get(const uint8_t *p)
{
	return (uint64_t)be16_get(p) << 32 | be32_get(p + 2);
}

uint64_t be64_get(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

void be16_put(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void be32_put(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

void be48_put(uint8_t *p, uint64_t v)
{
	be16_put(p, (uint16_t)(v >> 32));
	be32_put(p + 2, (uint32_t)v);
}

void be64_put(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}
