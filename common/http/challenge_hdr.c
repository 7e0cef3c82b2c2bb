/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/http/challenge_hdr.h"

#include <errno.h>

#include "common/http/auth_param.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* stale is a word on the wire and a bool in the struct */
struct wire {
	struct challenge_hdr h;
	struct span stale;
};

static const struct auth_slot slots[] = {
	{ "realm", offsetof(struct wire, h.realm), true }, { "domain", offsetof(struct wire, h.domain), true },
	{ "nonce", offsetof(struct wire, h.nonce), true }, { "algorithm", offsetof(struct wire, h.algorithm), false },
	{ "qop", offsetof(struct wire, h.qop), true },     { "opaque", offsetof(struct wire, h.opaque), true },
	{ "stale", offsetof(struct wire, stale), false },
};

int challenge_hdr_next(struct challenge_hdr *out, struct span *rest)
{
	struct span scheme;
	size_t count = 0;
	int rc;

	for (;;) {
		struct wire w = { 0 };
		bool digest;

		auth_skip(rest, true);
		if (!rest->len)
			return -ENOTSUP;
		rc = auth_scheme_take(&scheme, rest);
		digest = rc == 0 && span_ieq(scheme, span_str("Digest"));
		if (rc == 0)
			rc = auth_params_take(&w, slots, digest ? N(slots) : 0, rest, &count);
		/* a known parameter is wrong: step over it, to where the next challenge begins */
		if (rc < 0 && (count == 0 || auth_params_take(&w, slots, 0, rest, &count) < 0))
			*rest = span_of(rest->p, 0);
		if (rc < 0)
			return rc;
		if (!digest)
			continue;
		w.h.stale = span_ieq(w.stale, span_str("true"));
		*out = w.h;
		return 0;
	}
}

int challenge_hdr_parse(struct challenge_hdr *out, const uint8_t *buf, size_t len)
{
	struct span rest = span_of(buf, len);

	return len > CHALLENGE_HDR_MAX ? -E2BIG : challenge_hdr_next(out, &rest);
}

int challenge_hdr_format(char *out, size_t cap, const struct challenge_hdr *h)
{
	struct wire wire = { *h, h->stale ? span_str("true") : span_of(NULL, 0) };

	return auth_params_format(out, cap, "Digest ", &wire, slots, N(slots));
}

void challenge_hdr_assert_inside(const struct challenge_hdr *h, const uint8_t *buf, size_t len)
{
	struct wire wire = { *h, span_of(NULL, 0) };

	auth_params_assert_inside(&wire, slots, N(slots), span_of(buf, len));
}

bool challenge_offers_qop(struct span list, const char *qop)
{
	size_t start = 0;

	for (size_t i = 0; i <= list.len; i++) {
		if (i < list.len && list.p[i] != ',' && list.p[i] != ' ' && list.p[i] != '\t')
			continue;
		if (i > start && span_ieq(span_of(list.p + start, i - start), span_str(qop)))
			return true;
		start = i + 1;
	}
	return false;
}
