/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/aka.h"

#include <errno.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/crypto/aka_algorithm.h"

int aka_f1(uint8_t mac_a[8], uint8_t mac_s[8], const struct aka_cred *c, const uint8_t rand[16], const uint8_t sqn[6],
	   const uint8_t amf[2])
{
	if (!aka_algorithm_fits(c))
		return -EINVAL;
	return aka_algorithm_of(c)->f1(mac_a, mac_s, c, rand, sqn, amf);
}

int aka_f2345(struct secret *res, struct secret *ck, struct secret *ik, uint8_t ak[6], uint8_t ak_star[6],
	      const struct aka_cred *c, const uint8_t rand[16])
{
	if (!aka_algorithm_fits(c))
		return -EINVAL;
	return aka_algorithm_of(c)->f2345(res, ck, ik, ak, ak_star, c, rand);
}

/* SQN under AK or AK*, and back. */
static void mask(uint8_t out[AKA_SQN_LEN], const uint8_t sqn[AKA_SQN_LEN], const uint8_t ak[AKA_AK_LEN])
{
	for (int i = 0; i < AKA_SQN_LEN; i++)
		out[i] = sqn[i] ^ ak[i];
}

int aka_vector_make(struct aka_vector *out, const struct aka_cred *c, const uint8_t rand[16], uint64_t sqn)
{
	struct aka_vector v = { 0 };
	uint8_t s[AKA_SQN_LEN], ak[AKA_AK_LEN];
	int rc;

	be48_put(s, sqn);
	memcpy(v.rand, rand, AKA_RAND_LEN);
	rc = aka_f2345(&v.res, &v.ck, &v.ik, ak, NULL, c, rand);
	if (rc == 0)
		rc = aka_f1(v.autn + 8, NULL, c, rand, s, c->amf);
	if (rc == 0) {
		mask(v.autn, s, ak);
		memcpy(v.autn + AKA_SQN_LEN, c->amf, AKA_AMF_LEN);
		*out = v;
	}
	aka_vector_clear(&v);
	return rc;
}

int aka_autn_open(uint64_t *sqn, const struct aka_cred *c, const uint8_t rand[16], const uint8_t autn[16])
{
	uint8_t s[AKA_SQN_LEN], ak[AKA_AK_LEN], mac[AKA_MAC_LEN];
	int rc = aka_f2345(NULL, NULL, NULL, ak, NULL, c, rand);

	if (rc < 0)
		return rc;
	mask(s, autn, ak);
	rc = aka_f1(mac, NULL, c, rand, s, autn + AKA_SQN_LEN);
	if (rc < 0)
		return rc;
	*sqn = be48_get(s);
	return octets_equal(mac, autn + 8, sizeof(mac)) ? 0 : -EBADMSG;
}

static const uint8_t amf_zero[AKA_AMF_LEN]; /* MAC-S is made with AMF 0000, 33.102 6.3.3 */

int aka_auts_make(uint8_t auts[14], const struct aka_cred *c, const uint8_t rand[16], uint64_t sqn_ms)
{
	uint8_t s[AKA_SQN_LEN], ak[AKA_AK_LEN], out[AKA_AUTS_LEN];
	int rc = aka_f2345(NULL, NULL, NULL, NULL, ak, c, rand);

	be48_put(s, sqn_ms);
	if (rc == 0)
		rc = aka_f1(NULL, out + AKA_SQN_LEN, c, rand, s, amf_zero);
	if (rc < 0)
		return rc;
	mask(out, s, ak);
	memcpy(auts, out, sizeof(out));
	return 0;
}

int aka_auts_open(uint64_t *sqn_ms, bool *mac_ok, const struct aka_cred *c, const uint8_t rand[16],
		  const uint8_t auts[14])
{
	uint8_t s[AKA_SQN_LEN], ak[AKA_AK_LEN], mac[AKA_MAC_LEN];
	int rc = aka_f2345(NULL, NULL, NULL, NULL, ak, c, rand);

	if (rc < 0)
		return rc;
	mask(s, auts, ak);
	rc = aka_f1(NULL, mac, c, rand, s, amf_zero);
	if (rc < 0)
		return rc;
	*sqn_ms = be48_get(s);
	*mac_ok = octets_equal(mac, auts + AKA_SQN_LEN, sizeof(mac));
	return 0;
}
