/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/kdf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unistr.h>

#include "common/base/hex.h"
#include "common/crypto/evp.h"

int kdf_derive(struct secret *out, const struct secret *key, unsigned fc, const struct span *p, size_t n)
{
	struct span pieces[1 + 2 * KDF_PARAMS_MAX];
	uint8_t fc_octets[2], lengths[KDF_PARAMS_MAX][2], derived[KDF_OUT_LEN];
	int rc;

	if (n > KDF_PARAMS_MAX || (fc >= 0xff && (fc < 0xff00 || fc > 0xffff)))
		return -EINVAL;
	be16_put(fc_octets, (uint16_t)fc);
	pieces[0] = fc > 0xff ? span_of(fc_octets, 2) : span_of(fc_octets + 1, 1);
	for (size_t i = 0; i < n; i++) {
		if (p[i].len > UINT16_MAX)
			return -E2BIG;
		be16_put(lengths[i], (uint16_t)p[i].len);
		pieces[1 + 2 * i] = p[i];
		pieces[2 + 2 * i] = span_of(lengths[i], 2);
	}
	rc = evp_hmac_sha256(derived, key->b, key->len, pieces, 1 + 2 * n);
	if (rc == 0)
		rc = secret_set(out, derived, sizeof(derived));
	OPENSSL_cleanse(derived, sizeof(derived));
	return rc;
}

static bool is_ascii(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] & 0x80)
			return false;
	}
	return true;
}

/* Normal form KC (B.2.1.2), the identity for ASCII. *mem is the caller's to free, NULL if in was taken as it is. */
static int nfkc(struct span *out, uint8_t **mem, struct span in)
{
	size_t len = 0;

	*mem = NULL;
	*out = in;
	if (is_ascii(in))
		return 0;
	if (u8_check(in.p, in.len))
		return -EBADMSG;
	*mem = u8_normalize(UNINORM_NFKC, in.p, in.len, NULL, &len);
	if (!*mem)
		return -ENOMEM;
	*out = span_of(*mem, len);
	return 0;
}

/* NAF_Id: only the host part is text. */
static int nfkc_naf_id(struct span *out, uint8_t **mem, struct span naf_id)
{
	const size_t ua_len = 5;
	struct span host, folded;
	uint8_t *folded_mem, *whole;
	int rc;

	*mem = NULL;
	if (naf_id.len <= ua_len)
		return -EBADMSG;
	host = span_of(naf_id.p, naf_id.len - ua_len);
	rc = nfkc(&folded, &folded_mem, host);
	if (rc < 0)
		return rc;
	*out = naf_id;
	if (!folded_mem)
		return 0;
	whole = realloc(folded_mem, folded.len + ua_len);
	if (!whole) {
		free(folded_mem);
		return -ENOMEM;
	}
	memcpy(whole + folded.len, naf_id.p + host.len, ua_len);
	*mem = whole;
	*out = span_of(whole, folded.len + ua_len);
	return 0;
}

int kdf_ks_naf(struct secret *out, enum kdf_naf_key which, const struct secret *ks, const uint8_t rand[16],
	       struct span impi, struct span naf_id)
{
	struct span p[4] = { span_str(which == KDF_KS_INT_NAF ? "gba-u" : "gba-me"), span_of(rand, 16) };
	uint8_t *impi_mem = NULL, *naf_mem = NULL;
	int rc;

	if (ks->len != KDF_OUT_LEN)
		return -EINVAL;
	rc = nfkc(&p[2], &impi_mem, impi);
	if (rc == 0)
		rc = nfkc_naf_id(&p[3], &naf_mem, naf_id);
	if (rc == 0)
		rc = kdf_derive(out, ks, KDF_FC_GBA, p, 4);
	free(impi_mem);
	free(naf_mem);
	return rc;
}

int kdf_ks(struct secret *out, const struct secret *ck, const struct secret *ik)
{
	uint8_t both[32];
	int rc;

	if (ck->len != 16 || ik->len != 16)
		return -EINVAL;
	memcpy(both, ck->b, 16);
	memcpy(both + 16, ik->b, 16);
	rc = secret_set(out, both, sizeof(both));
	OPENSSL_cleanse(both, sizeof(both));
	return rc;
}

int key_fingerprint(char out[KEY_FINGERPRINT_LEN + 1], const struct secret *key)
{
	static const char label[] = "gba key fingerprint";
	const struct evp_algorithms *a = evp_algorithms();
	struct evp_thread *t = evp_thread();
	uint8_t digest[32];

	if (!a || !t || EVP_DigestInit_ex2(t->md, a->sha256, NULL) != 1 ||
	    EVP_DigestUpdate(t->md, label, sizeof(label) - 1) != 1 || EVP_DigestUpdate(t->md, key->b, key->len) != 1 ||
	    EVP_DigestFinal_ex(t->md, digest, NULL) != 1)
		return -EIO;
	hex_encode(out, KEY_FINGERPRINT_LEN + 1, digest, KEY_FINGERPRINT_LEN / 2);
	return 0;
}
