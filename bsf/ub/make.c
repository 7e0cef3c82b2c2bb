/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/make.h"

#include <errno.h>
#include "common/base/hex.h"
#include "common/crypto/kdf.h"
#include "common/gba/key_lifetime.h"

/* RAND || AUTN is the nonce, Ks = CK || IK (33.220 4.5.2). \returns 0; -EIO */
static int fill_aka(struct gba_challenge *c, const struct aka_vector *v)
{
	c->variant = GBA_VARIANT_ME;
	memcpy(c->key, v->rand, AKA_RAND_LEN);
	memcpy(c->key + AKA_RAND_LEN, v->autn, AKA_AUTN_LEN);
	c->key_len = NONCE_LEN;
	c->aka.xres = v->res;
	return kdf_ks(&c->aka.ks, &v->ck, &v->ik);
}

/* 33.220 5.3.2: AUTN* tells the card that CK and IK are not for the device, and the last bit of RES tells the BSF that the
 * card knew. \returns 0; -EIO */
static int turn_to_u(struct gba_challenge *c, const struct aka_vector *v, enum gba_u_hash hash)
{
	c->variant = GBA_VARIANT_U;
	gba_u_res(&c->aka.xres);
	return gba_u_autn(c->key + AKA_RAND_LEN, v->autn, &v->ik, hash);
}

enum cause ub_make_challenge(struct gba_challenge *out, const struct zh_vector *vector, const struct guss_facts *facts,
			     const struct ub_policy *policy, const uint8_t random[UB_RANDOM_LEN],
			     const struct ub_now *now)
{
	bool clamped; /* ub_life_changed() tells */

	if (vector->kind != ZH_VECTOR_AKA)
		return CAUSE_zh_no_vector;
	if (fill_aka(out, &vector->aka) < 0)
		return CAUSE_ub_busy;
	out->aka.uicc_gba_u = facts->gba_u;
	if (facts->gba_u && policy->gba_u && turn_to_u(out, &vector->aka, facts->mac_star) < 0)
		return CAUSE_ub_busy;
	out->hash = policy->alg.hash;
	/* with GBA_U CK and IK do not leave the card: no device could answer */
	out->akav2 = policy->alg.aka_version == 2 && out->variant == GBA_VARIANT_ME;
	if (out->akav2 &&
	    digest_akav2_password(&out->aka.xres, out->hash, &vector->aka.res, &vector->aka.ik, &vector->aka.ck) < 0)
		return CAUSE_ub_busy;
	hex_encode(out->opaque, sizeof(out->opaque), random, UB_RANDOM_LEN);
	/* 33.220 4.2.3: what the GUSS says goes before the configuration */
	out->key_life_s = key_lifetime_s(policy->key_life_s, policy->key_life_max_s, facts->has_life_time,
					 facts->life_time_s, &clamped);
	out->created_at = now->wall_s;
	out->expires_mono_ms = now->mono_ms + policy->nonce_life_s * UINT64_C(1000);
	return CAUSE_ub_challenged;
}

int ub_make_session(struct gba_session *out, const struct gba_challenge *c, bool knows_tmpi, int64_t now_s)
{
	memcpy(out->rand, c->key, sizeof(out->rand));
	strcpy(out->bsf_name, c->bsf_name);
	out->impi = c->impi;
	out->variant = c->variant;
	out->created_at = now_s;
	out->expires_at = now_s + c->key_life_s;
	out->made_ms = c->made_ms;
	out->ks = c->aka.ks;
	if (knows_tmpi && tmpi_derive(out->tmpi, &out->ks, out->rand, span_str(c->impi.s), c->bsf_name) < 0)
		return -EIO;
	out->has_tmpi = knows_tmpi;
	out->guss = guss_blob_get(c->guss);
	return 0;
}
