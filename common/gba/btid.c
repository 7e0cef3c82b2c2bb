/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/btid.h"

#include <errno.h>

#include "common/base/b64.h"

static bool is_label_char(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '-';
}

/* One label and the dot behind it, or the end. \returns its octets; 0 it is none */
static size_t label_len(const uint8_t *p, size_t left)
{
	size_t n = 0;

	while (n < left && is_label_char(p[n]))
		n++;
	if (n == 0 || n > 63 || p[0] == '-' || p[n - 1] == '-')
		return 0;
	return n < left && p[n] != '.' ? 0 : n;
}

bool fqdn_valid(struct span name, size_t max)
{
	size_t i = 0, n;

	if (name.len == 0 || name.len > max)
		return false;
	do {
		n = label_len(name.p + i, name.len - i);
		i += n + 1; /* behind the dot, where another one must be */
	} while (n && i < name.len);
	return n && i == name.len + 1;
}

int btid_parse(struct btid *out, const uint8_t *buf, size_t len)
{
	struct btid b;
	struct span domain;

	if (len > BTID_MAX)
		return -E2BIG;
	if (len <= BTID_RAND_CHARS + 1 || buf[BTID_RAND_CHARS] != '@')
		return -EBADMSG;
	if (b64_decode(b.rand, sizeof(b.rand), buf, BTID_RAND_CHARS) != BTID_RAND_LEN)
		return -EBADMSG;
	domain = span_of(buf + BTID_RAND_CHARS + 1, len - BTID_RAND_CHARS - 1);
	if (!fqdn_valid(domain, BSF_NAME_MAX) || span_to_str(b.domain, sizeof(b.domain), domain) < 0)
		return -EBADMSG;
	*out = b;
	return 0;
}

int btid_format(char out[BTID_MAX + 1], const uint8_t rand[BTID_RAND_LEN], const char *bsf_name)
{
	struct writer w;
	char local[BTID_RAND_CHARS + 1];

	b64_encode(local, sizeof(local), rand, BTID_RAND_LEN);
	writer_init(&w, out, BTID_MAX + 1);
	writer_str(&w, local);
	writer_str(&w, "@");
	writer_str(&w, bsf_name);
	return writer_end(&w);
}
