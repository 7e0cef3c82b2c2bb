/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>

#include "common/http/challenge_hdr.h"
#include "common/http/param_list.h"

#define SCHEME "Digest"
#define PARAMS 64

/* A list may hold several challenges: a token that a blank and no '=' follows begins one. */
static bool at_scheme(const uint8_t *buf, size_t len, size_t pos, size_t *end)
{
	size_t e = param_token_end(buf, len, pos), after = param_skip_space(buf, len, e);

	*end = e;
	return e > pos && (after == len || (after > e && buf[after] != '='));
}

static bool find_digest(const uint8_t *buf, size_t len, size_t *pos, int *rc)
{
	struct param skipped;
	size_t p = param_skip_space(buf, len, 0), end;

	*rc = -ENOTSUP;
	while (p < len) {
		if (at_scheme(buf, len, p, &end)) {
			if (span_ieq(span_of(buf + p, end - p), span_str(SCHEME))) {
				*pos = end;
				return true;
			}
			p = end;
		} else {
			int more = param_next(&skipped, buf, len, &p);

			if (more < 0)
				*rc = more;
			if (more <= 0)
				return false;
		}
		p = param_skip_space(buf, len, p);
		while (p < len && buf[p] == ',')
			p = param_skip_space(buf, len, p + 1);
	}
	return false;
}

/* Where the next challenge begins, or len. */
static size_t challenge_end(const uint8_t *buf, size_t len, size_t pos)
{
	struct param skipped;
	size_t end;

	for (;;) {
		size_t p = param_skip_space(buf, len, pos);

		while (p < len && buf[p] == ',')
			p = param_skip_space(buf, len, p + 1);
		if (p == len || at_scheme(buf, len, p, &end))
			return p;
		if (param_next(&skipped, buf, len, &p) != 1)
			return len;
		pos = p;
	}
}

int challenge_hdr_parse(struct challenge_hdr *out, const uint8_t *buf, size_t len)
{
	struct challenge_hdr h = { 0 };
	struct span stale = { NULL, 0 };
	const struct param_slot slots[] = {
		{ "realm", &h.realm }, { "domain", &h.domain }, { "nonce", &h.nonce }, { "opaque", &h.opaque },
		{ "algorithm", &h.algorithm }, { "qop", &h.qop }, { "stale", &stale },
	};
	size_t pos;
	int rc;

	if (len > CHALLENGE_HDR_MAX)
		return -E2BIG;
	if (!find_digest(buf, len, &pos, &rc))
		return rc;
	rc = param_list_read(buf, challenge_end(buf, len, pos), pos, slots, sizeof(slots) / sizeof(slots[0]), PARAMS);
	if (rc < 0)
		return rc;
	h.stale = span_ieq(stale, span_str("true"));
	*out = h;
	return 0;
}

int challenge_hdr_format(char *out, size_t cap, const struct challenge_hdr *h)
{
	const struct {
		const char *name;
		struct span value;
		bool quoted;
	} rows[] = {
		{ "realm", h->realm, true }, { "domain", h->domain, true }, { "nonce", h->nonce, true },
		{ "algorithm", h->algorithm, false }, { "qop", h->qop, true }, { "opaque", h->opaque, true },
		{ "stale", h->stale ? span_str("true") : span_of(NULL, 0), false },
	};
	struct writer w;

	writer_init(&w, out, cap);
	writer_str(&w, SCHEME " ");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!param_quotable(rows[i].value))
			return -EINVAL;
		param_put(&w, rows[i].name, rows[i].value, rows[i].quoted);
	}
	return writer_end(&w);
}

bool challenge_offers_qop(struct span list, const char *qop)
{
	size_t pos = 0;

	while (pos < list.len) {
		size_t start = pos;

		while (pos < list.len && list.p[pos] != ',' && list.p[pos] != ' ' && list.p[pos] != '\t')
			pos++;
		if (span_ieq(span_of(list.p + start, pos - start), span_str(qop)))
			return true;
		pos++;
	}
	return false;
}
