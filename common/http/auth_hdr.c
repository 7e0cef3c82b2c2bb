/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/http/auth_hdr.h"

#include <errno.h>

#include "common/http/auth_param.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* In the order in which they are written (TS 24.109 A.3, A.4). */
static const struct auth_slot slots[] = {
	{ "username", offsetof(struct auth_hdr, username), true },
	{ "realm", offsetof(struct auth_hdr, realm), true },
	{ "nonce", offsetof(struct auth_hdr, nonce), true },
	{ "uri", offsetof(struct auth_hdr, uri), true },
	{ "qop", offsetof(struct auth_hdr, qop), false },
	{ "nc", offsetof(struct auth_hdr, nc), false },
	{ "cnonce", offsetof(struct auth_hdr, cnonce), true },
	{ "response", offsetof(struct auth_hdr, response), true },
	{ "opaque", offsetof(struct auth_hdr, opaque), true },
	{ "algorithm", offsetof(struct auth_hdr, algorithm), false },
	{ "auts", offsetof(struct auth_hdr, auts), true },
};

int auth_hdr_parse(struct auth_hdr *out, const uint8_t *buf, size_t len)
{
	struct auth_hdr h = { 0 };
	struct span rest = span_of(buf, len), scheme;
	int rc;

	if (len > AUTH_HDR_MAX)
		return -E2BIG;
	auth_skip(&rest, false);
	rc = auth_scheme_take(&scheme, &rest);
	if (rc < 0)
		return rc;
	if (!span_ieq(scheme, span_str("Digest")))
		return -ENOTSUP;
	rc = auth_params_only(&h, slots, N(slots), rest);
	if (rc == 0)
		*out = h;
	return rc;
}

void auth_hdr_assert_inside(const struct auth_hdr *h, const uint8_t *buf, size_t len)
{
	auth_params_assert_inside(h, slots, N(slots), span_of(buf, len));
}

int auth_hdr_format(char *out, size_t cap, const struct auth_hdr *h)
{
	return auth_params_format(out, cap, "Digest ", h, slots, N(slots));
}

static const struct {
	const char *name;
	struct digest_alg alg;
} algs[] = {
	{ "MD5", { DIGEST_MD5, 0 } },       { "SHA-256", { DIGEST_SHA256, 0 } },
	{ "AKAv1-MD5", { DIGEST_MD5, 1 } }, { "AKAv1-SHA-256", { DIGEST_SHA256, 1 } },
	{ "AKAv2-MD5", { DIGEST_MD5, 2 } }, { "AKAv2-SHA-256", { DIGEST_SHA256, 2 } },
};

int digest_alg_parse(struct digest_alg *out, struct span s)
{
	for (size_t i = 0; i < N(algs); i++) {
		if (span_ieq(s, span_str(algs[i].name))) {
			*out = algs[i].alg;
			return 0;
		}
	}
	return -ENOTSUP;
}

const char *digest_alg_name(struct digest_alg a)
{
	for (size_t i = 0; i < N(algs); i++) {
		if (algs[i].alg.hash == a.hash && algs[i].alg.aka_version == a.aka_version)
			return algs[i].name;
	}
	return "?";
}

static const char *const qops[] = {
	[DIGEST_QOP_AUTH] = "auth",
	[DIGEST_QOP_AUTH_INT] = "auth-int",
};

int digest_qop_parse(enum digest_qop *out, struct span s)
{
	for (size_t i = DIGEST_QOP_AUTH; i < N(qops); i++) {
		if (span_ieq(s, span_str(qops[i]))) {
			*out = (enum digest_qop)i;
			return 0;
		}
	}
	return -ENOTSUP;
}

const char *digest_qop_name(enum digest_qop q)
{
	return q == DIGEST_QOP_AUTH || q == DIGEST_QOP_AUTH_INT ? qops[q] : "";
}
