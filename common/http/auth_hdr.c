/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <assert.h>
#include <errno.h>

#include "common/http/auth_hdr.h"
#include "common/http/param_list.h"

#define SCHEME "Digest"

int auth_hdr_parse(struct auth_hdr *out, const uint8_t *buf, size_t len)
{
	struct auth_hdr h = { 0 };
	const struct param_slot slots[] = {
		{ "username", &h.username }, { "realm", &h.realm }, { "nonce", &h.nonce }, { "uri", &h.uri },
		{ "response", &h.response }, { "algorithm", &h.algorithm }, { "qop", &h.qop }, { "nc", &h.nc },
		{ "cnonce", &h.cnonce }, { "opaque", &h.opaque }, { "auts", &h.auts },
	};
	size_t start, end;
	int rc;

	if (len > AUTH_HDR_MAX)
		return -E2BIG;
	start = param_skip_space(buf, len, 0);
	end = param_token_end(buf, len, start);
	if (end == start)
		return -EBADMSG;
	if (!span_ieq(span_of(buf + start, end - start), span_str(SCHEME)))
		return -ENOTSUP;
	if (end < len && param_skip_space(buf, len, end) == end)
		return -EBADMSG;
	rc = param_list_read(buf, len, end, slots, sizeof(slots) / sizeof(slots[0]), AUTH_HDR_PARAMS);
	if (rc < 0)
		return rc;
	*out = h;
	return 0;
}

static void inside(struct span s, const uint8_t *buf, size_t len)
{
	assert(!s.p || (s.p >= buf && s.p <= buf + len && s.len <= (size_t)(buf + len - s.p)));
}

void auth_hdr_assert_inside(const struct auth_hdr *h, const uint8_t *buf, size_t len)
{
	const struct span all[] = { h->username, h->realm, h->nonce, h->uri, h->response, h->algorithm,
				    h->qop, h->nc, h->cnonce, h->opaque, h->auts };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		inside(all[i], buf, len);
}

int auth_hdr_format(char *out, size_t cap, const struct auth_hdr *h)
{
	/* qop, nc and algorithm are tokens here (RFC 7616 3.4), everything else is quoted */
	const struct {
		const char *name;
		struct span value;
		bool quoted;
	} rows[] = {
		{ "username", h->username, true }, { "realm", h->realm, true }, { "nonce", h->nonce, true },
		{ "uri", h->uri, true }, { "qop", h->qop, false }, { "nc", h->nc, false },
		{ "cnonce", h->cnonce, true }, { "response", h->response, true }, { "opaque", h->opaque, true },
		{ "algorithm", h->algorithm, false }, { "auts", h->auts, true },
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

static const struct {
	const char *name;
	struct digest_alg alg;
} algs[] = {
	{ "MD5", { DIGEST_MD5, 0 } },
	{ "SHA-256", { DIGEST_SHA256, 0 } },
	{ "AKAv1-MD5", { DIGEST_MD5, 1 } },
	{ "AKAv1-SHA-256", { DIGEST_SHA256, 1 } },
	{ "AKAv2-MD5", { DIGEST_MD5, 2 } },
	{ "AKAv2-SHA-256", { DIGEST_SHA256, 2 } },
};

int digest_alg_parse(struct digest_alg *out, struct span s)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		if (span_ieq(s, span_str(algs[i].name))) {
			*out = algs[i].alg;
			return 0;
		}
	}
	return -ENOTSUP;
}

const char *digest_alg_name(struct digest_alg a)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		if (algs[i].alg.hash == a.hash && algs[i].alg.aka_version == a.aka_version)
			return algs[i].name;
	}
	return "?";
}

int digest_qop_parse(enum digest_qop *out, struct span s)
{
	if (span_ieq(s, span_str("auth")))
		*out = DIGEST_QOP_AUTH;
	else if (span_ieq(s, span_str("auth-int")))
		*out = DIGEST_QOP_AUTH_INT;
	else
		return -ENOTSUP;
	return 0;
}

const char *digest_qop_name(enum digest_qop q)
{
	return q == DIGEST_QOP_AUTH_INT ? "auth-int" : q == DIGEST_QOP_AUTH ? "auth" : "";
}
