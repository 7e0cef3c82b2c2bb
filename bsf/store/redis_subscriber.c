/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/store/redis_subscriber.h"

#include <errno.h>
#include <string.h>

#include "common/gba/tmpi.h"

#define BARE      2
#define WITH_TMPI 3
#define TMPI_AT   7 /* or the length, of a bare one */

#define DIGITS           15
#define FORMER_HEAD_LEN  (DIGITS + 1 + TMPI_LEN + 3)
#define FORMER_ENTRY_LEN (20 + DIGITS)

/* \returns false: there is one that is no digit */
static bool digits_read(uint64_t *out, const uint8_t *p, size_t len)
{
	*out = 0;
	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		*out = *out * 10 + (uint64_t)(p[i] - '0');
	}
	return true;
}

static bool is_former(struct span v)
{
	return v.len && v.p[0] >= '0';
}

/* Octets before what is sealed. \returns 0: it is no record, or not so long */
static size_t head_len(struct span v)
{
	size_t len;

	if (v.len == 0)
		return 0;
	if (is_former(v))
		len = FORMER_HEAD_LEN;
	else if (v.p[0] == BARE || v.p[0] == WITH_TMPI)
		len = TMPI_AT + (v.p[0] == WITH_TMPI ? TMPI_LEN : 0) + 2;
	else
		return 0;
	return len <= v.len ? len : 0;
}

struct span redis_subscriber_sealed(struct span v)
{
	size_t head = head_len(v);

	return head ? span_of(v.p + head, v.len - head) : span_of(NULL, 0);
}

bool redis_subscriber_read(struct redis_subscriber *out, struct span v)
{
	struct redis_subscriber s = { .entry_len = is_former(v) ? FORMER_ENTRY_LEN : REDIS_ENTRY_LEN };
	size_t head = head_len(v);
	uint64_t sealed;

	if (head == 0)
		return false;
	if (is_former(v)) {
		s.tmpi = v.p[DIGITS] == '1' ? v.p + DIGITS + 1 : NULL;
		if (!digits_read(&s.revoked_ms, v.p, DIGITS) || !digits_read(&sealed, v.p + head - 3, 3))
			return false;
	} else {
		s.tmpi = v.p[0] == WITH_TMPI ? v.p + TMPI_AT : NULL;
		s.revoked_ms = be48_get(v.p + 1);
		sealed = be16_get(v.p + head - 2);
	}
	if (sealed > v.len - head)
		return false;
	s.sealed = span_of(v.p + head, sealed);
	s.list = span_of(v.p + head + sealed, v.len - head - sealed);
	*out = s;
	return true;
}

static void list_write(struct writer *w, const struct redis_subscriber *s)
{
	for (struct span l = s->list; l.len >= s->entry_len; l = span_of(l.p + s->entry_len, l.len - s->entry_len)) {
		uint64_t until = be48_get(l.p + 20);
		uint8_t octets[6];

		if (s->entry_len != REDIS_ENTRY_LEN)
			(void)digits_read(&until, l.p + 20, DIGITS);
		be48_put(octets, until);
		writer_put(w, l.p, 20);
		writer_put(w, octets, sizeof(octets));
	}
}

int redis_subscriber_write(uint8_t *out, size_t cap, const struct redis_subscriber *s, struct span sealed)
{
	uint8_t head[TMPI_AT] = { s->tmpi ? WITH_TMPI : BARE }, len[2];
	struct writer w;

	be48_put(head + 1, s->revoked_ms);
	be16_put(len, (uint16_t)sealed.len);
	writer_init(&w, out, cap);
	writer_put(&w, head, sizeof(head));
	if (s->tmpi)
		writer_put(&w, s->tmpi, TMPI_LEN);
	writer_put(&w, len, sizeof(len));
	writer_span(&w, sealed);
	list_write(&w, s);
	return w.overflow ? -ENOSPC : (int)w.len;
}
