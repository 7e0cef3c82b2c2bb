/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ub_check.h"

#include <errno.h>
#include <string.h>
#include <curl/curl.h>

#include "common/base/b64.h"
#include "common/http/auth_hdr.h"
#include "common/http/auth_info.h"

#define AT_MAX 253402300799 /* 9999-12-31T23:59:59Z, the last date_time_format() writes */

int ub_check_nonce(uint8_t rand[AKA_RAND_LEN], uint8_t autn[AKA_AUTN_LEN], struct span nonce)
{
	uint8_t octets[1024];
	int n = b64_decode(octets, sizeof(octets), nonce.p, nonce.len);

	if (n < AKA_RAND_LEN + AKA_AUTN_LEN)
		return -EBADMSG;
	memcpy(rand, octets, AKA_RAND_LEN);
	memcpy(autn, octets + AKA_RAND_LEN, AKA_AUTN_LEN);
	return 0;
}

int ub_check_challenge(struct digest_alg *alg, const struct challenge_hdr *h, bool keys, struct err *err)
{
	if (digest_alg_parse(alg, h->algorithm) < 0 || !alg->aka_version)
		return err_set(err, -ENOTSUP,
			       "the BSF wants algorithm '%.*s'; supported are AKAv1 and AKAv2 with MD5 or SHA-256",
			       (int)h->algorithm.len, (const char *)h->algorithm.p);
	if (alg->aka_version == 2 && !keys)
		return err_set(err, -ENOTSUP, "the BSF wants %.*s, and CK and IK do not leave this card",
			       (int)h->algorithm.len, (const char *)h->algorithm.p);
	if (!challenge_offers_qop(h->qop, "auth-int"))
		return err_set(err, -ENOTSUP, "the BSF does not offer qop auth-int");
	return 0;
}

int ub_check_rspauth(const char *authentication_info, const struct digest_input *in, const struct secret *ha1)
{
	struct digest_text want;
	struct auth_info info;

	if (!authentication_info ||
	    auth_info_parse(&info, (const uint8_t *)authentication_info, strlen(authentication_info)) < 0)
		return -EBADMSG;
	if (!span_eq(info.nc, in->nc) || !span_eq(info.cnonce, in->cnonce))
		return -EBADMSG;
	if (digest_rspauth(&want, in, ha1) < 0)
		return -EIO;
	return digest_match(&want, info.rspauth) ? 0 : -EBADMSG;
}

int ub_check_expiry(time_t *out, const struct bsf_info *info, const char *date, time_t now)
{
	time_t theirs = date ? curl_getdate(date, NULL) : -1;
	time_t at;

	if (info->has_now)
		theirs = info->now;
	else if (theirs == -1)
		theirs = now;
	if (info->expires_at <= theirs)
		return -ETIME;
	at = now + (info->expires_at - theirs);
	*out = at < AT_MAX ? at : AT_MAX;
	return 0;
}

int ub_check_btid(const struct btid *id, const uint8_t rand[AKA_RAND_LEN], const char *host, const char *name)
{
	struct span domain = span_str(id->domain);

	if (memcmp(id->rand, rand, sizeof(id->rand)) != 0)
		return -EBADMSG;
	return span_ieq(domain, span_str(host)) || span_ieq(domain, span_str(name)) ? 0 : -EPERM;
}
