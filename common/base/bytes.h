/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file bytes.h
 *  Lent octet ranges, bounded writing, big-endian integers. Nothing here allocates. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*! A large buffer on the stack of which only what was written before is read: the compiler need not clear all of it. */
#define BUFFER_UNCLEARED __attribute__((uninitialized))

/*! Octets lent by somebody else; not NUL-terminated. p may be NULL only if len is 0. */
struct span {
	const uint8_t *p;
	size_t len;
};

static inline struct span span_of(const void *p, size_t len)
{
	return (struct span){ p, len };
}

/*! \param[in] s NUL-terminated, lent for the life of the span */
static inline struct span span_str(const char *s)
{
	return span_of(s, strlen(s));
}

/*! Same octets; not for secrets (time depends on the content). */
bool span_eq(struct span a, struct span b);

/*! Same octets but for ASCII case, whatever the locale. */
bool span_ieq(struct span a, struct span b);

/*! Copy to a NUL-terminated string.
 *  \param[out] out cap octets; untouched on error
 *  \returns 0; -E2BIG does not fit; -EBADMSG holds a NUL */
int span_to_str(char *out, size_t cap, struct span s);

/*! A writer over caller memory. Overflow is remembered, so only the end needs a check. */
struct writer {
	uint8_t *p;
	size_t cap, len;
	bool overflow;
};

void writer_init(struct writer *w, void *mem, size_t cap);
void writer_put(struct writer *w, const void *p, size_t len);
void writer_str(struct writer *w, const char *s);
void writer_span(struct writer *w, struct span s);
void writer_printf(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*! Terminate with a NUL (not counted in len).
 *  \returns length written; -ENOSPC if anything did not fit */
int writer_end(struct writer *w);

uint16_t be16_get(const uint8_t *p);
uint32_t be32_get(const uint8_t *p);
uint64_t be48_get(const uint8_t *p);
uint64_t be64_get(const uint8_t *p);
void be16_put(uint8_t *p, uint16_t v);
void be32_put(uint8_t *p, uint32_t v);
void be48_put(uint8_t *p, uint64_t v);
void be64_put(uint8_t *p, uint64_t v);
