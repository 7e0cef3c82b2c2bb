/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/tmpi.h"

#include <errno.h>

#include "common/base/b64.h"
#include "common/crypto/kdf.h"
#include "common/gba/btid.h"

#define LOCAL_CHARS B64_LEN(TMPI_LEN) /* 32, no padding */

static const uint8_t ua_id_tmpi[5] = { 0x01, 0x00, 0x00, 0x01, 0x00 };

bool tmpi_is(struct span username)
{
	const size_t realm = strlen(TMPI_REALM);

	if (username.len <= realm || username.p[username.len - realm - 1] != '@')
		return false;
	return span_ieq(span_of(username.p + username.len - realm, realm), span_str(TMPI_REALM));
}

int tmpi_parse(uint8_t out[TMPI_LEN], struct span username)
{
	if (!tmpi_is(username) || username.len != LOCAL_CHARS + 1 + strlen(TMPI_REALM))
		return -EBADMSG;
	return b64_decode(out, TMPI_LEN, username.p, LOCAL_CHARS) == TMPI_LEN ? 0 : -EBADMSG;
}

int tmpi_format(char out[TMPI_MAX + 1], const uint8_t tmpi[TMPI_LEN])
{
	b64_encode(out, LOCAL_CHARS + 1, tmpi, TMPI_LEN);
	memcpy(out + LOCAL_CHARS, "@" TMPI_REALM, sizeof("@" TMPI_REALM));
	return TMPI_MAX;
}

int tmpi_bsf_id(uint8_t out[TMPI_BSF_ID_MAX], const char *bsf_name)
{
	size_t n = strlen(bsf_name);

	if (n > TMPI_BSF_ID_MAX - sizeof(ua_id_tmpi))
		return -E2BIG;
	memcpy(out, bsf_name, n);
	memcpy(out + n, ua_id_tmpi, sizeof(ua_id_tmpi));
	return (int)(n + sizeof(ua_id_tmpi));
}

int tmpi_derive(uint8_t out[TMPI_LEN], const struct secret *ks, const uint8_t rand[16], struct span impi,
		const char *bsf_name)
{
	uint8_t bsf_id[TMPI_BSF_ID_MAX];
	SECRET_AUTO t = { 0 };
	int n = tmpi_bsf_id(bsf_id, bsf_name), rc;

	if (n < 0)
		return n;
	rc = kdf_ks_naf(&t, KDF_KS_NAF, ks, rand, impi, span_of(bsf_id, (size_t)n));
	if (rc == 0)
		memcpy(out, t.b, TMPI_LEN);
	return rc;
}
