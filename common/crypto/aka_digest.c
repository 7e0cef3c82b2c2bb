/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/aka_digest.h"

#include <errno.h>
#include <string.h>
#include <openssl/hmac.h>

#include "common/base/ascii.h"
#include "common/base/b64.h"
#include "common/base/hex.h"
#include "common/crypto/evp.h"

#define PIECES_MAX 11

/* Hex digest of the pieces, NUL-terminated. */
static int hash_hex(char hex[DIGEST_HEX_MAX], enum digest_hash hash, const struct span *p, size_t n)
{
	const struct evp_algorithms *a = evp_algorithms();
	struct evp_thread *t = evp_thread();
	uint8_t digest[32];
	unsigned len = 0;

	if (!a || !t || EVP_DigestInit_ex2(t->md, hash == DIGEST_SHA256 ? a->sha256 : a->md5, NULL) != 1)
		return -EIO;
	for (size_t i = 0; i < n; i++) {
		if (p[i].len && EVP_DigestUpdate(t->md, p[i].p, p[i].len) != 1)
			return -EIO;
	}
	if (EVP_DigestFinal_ex(t->md, digest, &len) != 1)
		return -EIO;
	hex_encode(hex, DIGEST_HEX_MAX, digest, len);
	OPENSSL_cleanse(digest, sizeof(digest));
	return 0;
}

#define COLON ((struct span){ (const uint8_t *)":", 1 })

int digest_ha1(struct secret *ha1, enum digest_hash hash, struct span user, struct span realm, struct span password)
{
	const struct span p[] = { user, COLON, realm, COLON, password };
	char hex[DIGEST_HEX_MAX];
	int rc = hash_hex(hex, hash, p, 5);

	if (rc == 0)
		rc = secret_set(ha1, hex, strlen(hex));
	OPENSSL_cleanse(hex, sizeof(hex));
	return rc;
}

int digest_akav2_password(struct secret *password, enum digest_hash hash, const struct secret *res,
			  const struct secret *ik, const struct secret *ck)
{
	static const char label[] = "http-digest-akav2-password";
	const struct secret *parts[] = { res, ik, ck };
	uint8_t key[3 * SECRET_MAX], mac[EVP_MAX_MD_SIZE];
	char text[B64_LEN(32) + 1];
	unsigned len = 0;
	size_t n = 0;
	int rc = -EIO;

	for (size_t i = 0; i < 3; n += parts[i++]->len)
		memcpy(key + n, parts[i]->b, parts[i]->len);
	if (HMAC(hash == DIGEST_SHA256 ? EVP_sha256() : EVP_md5(), key, (int)n, (const uint8_t *)label, strlen(label),
		 mac, &len) &&
	    b64_encode(text, sizeof(text), mac, len) >= 0)
		rc = secret_set(password, text, strlen(text));
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(mac, sizeof(mac));
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}

static int digest(struct digest_text *out, const struct digest_input *in, struct span method, const struct secret *ha1)
{
	char ha2[DIGEST_HEX_MAX], body[DIGEST_HEX_MAX];
	struct span a2[] = { method, COLON, in->uri, COLON, { NULL, 0 } };
	size_t n = 3;
	int rc;

	if (in->qop == DIGEST_QOP_AUTH_INT) {
		rc = hash_hex(body, in->hash, &in->body, 1);
		if (rc < 0)
			return rc;
		a2[4] = span_str(body);
		n = 5;
	}
	rc = hash_hex(ha2, in->hash, a2, n);
	if (rc < 0)
		return rc;
	if (in->qop == DIGEST_QOP_NONE) {
		const struct span p[] = { span_of(ha1->b, ha1->len), COLON, in->nonce, COLON, span_str(ha2) };

		return hash_hex(out->hex, in->hash, p, 5);
	}
	const struct span p[PIECES_MAX] = {
		span_of(ha1->b, ha1->len),
		COLON,
		in->nonce,
		COLON,
		in->nc,
		COLON,
		in->cnonce,
		COLON,
		span_str(in->qop == DIGEST_QOP_AUTH_INT ? "auth-int" : "auth"),
		COLON,
		span_str(ha2),
	};
	return hash_hex(out->hex, in->hash, p, PIECES_MAX);
}

int digest_response(struct digest_text *out, const struct digest_input *in, const struct secret *ha1)
{
	return digest(out, in, in->method, ha1);
}

int digest_rspauth(struct digest_text *out, const struct digest_input *in, const struct secret *ha1)
{
	return digest(out, in, span_of(NULL, 0), ha1);
}

bool digest_match(const struct digest_text *want, struct span got)
{
	char lower[DIGEST_HEX_MAX];
	size_t len = strlen(want->hex);

	if (got.len != len)
		return false;
	ascii_lower_copy(lower, got.p, len);
	return octets_equal(want->hex, lower, len);
}
