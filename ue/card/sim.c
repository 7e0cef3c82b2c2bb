/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/card/sim.h"

#include <errno.h>
#include <string.h>

#include "common/crypto/kdf.h"
#include "common/crypto/aka.h"

/* Everything of an answer that is right so far; the number is used up here. */
static int fresh(struct sim *s, struct card_answer *a, const uint8_t rand[AKA_RAND_LEN], uint64_t sqn)
{
	if (sqn_card_accept(&s->sqn, sqn) < 0) {
		a->outcome = CARD_SYNC_FAILURE;
		return aka_auts_make(a->auts, &s->cred, rand, sqn_card_highest(&s->sqn));
	}
	a->outcome = CARD_OK;
	return aka_f2345(&a->res, &a->ck, &a->ik, NULL, NULL, &s->cred, rand);
}

int sim_3g(struct sim *s, struct card_answer *out, const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN])
{
	const struct sqn_card before = s->sqn;
	struct card_answer a = { .outcome = CARD_MAC_FAILURE };
	uint64_t sqn;
	int rc = aka_autn_open(&sqn, &s->cred, rand, autn);

	if (rc == 0)
		rc = fresh(s, &a, rand, sqn);
	else if (rc == -EBADMSG)
		rc = 0;
	if (rc == 0)
		*out = a;
	else
		s->sqn = before;
	card_answer_clear(&a);
	return rc;
}

/* 33.220 5.3.2 step 4 */
static int take_ks(struct sim *s, struct card_answer *a, const uint8_t rand[AKA_RAND_LEN])
{
	int rc = kdf_ks(&s->ks, &a->ck, &a->ik);

	secret_clear(&a->ck);
	secret_clear(&a->ik);
	if (rc < 0)
		return rc;
	gba_u_res(&a->res);
	s->gbabp = (struct card_gbabp){ .has_rand = true };
	memcpy(s->gbabp.rand, rand, AKA_RAND_LEN);
	return 0;
}

int sim_gba(struct sim *s, struct card_answer *out, const uint8_t rand[AKA_RAND_LEN],
	    const uint8_t autn_star[AKA_AUTN_LEN])
{
	struct sim before = *s;
	struct card_answer a = { 0 };
	uint8_t autn[AKA_AUTN_LEN];
	SECRET_AUTO ik = { 0 };
	int rc = aka_f2345(NULL, NULL, &ik, NULL, NULL, &s->cred, rand);

	if (rc == 0)
		rc = gba_u_autn(autn, autn_star, &ik, s->mac_star);
	if (rc == 0)
		rc = sim_3g(s, &a, rand, autn);
	if (rc == 0 && a.outcome == CARD_OK)
		rc = take_ks(s, &a, rand);
	if (rc == 0)
		*out = a;
	else
		*s = before;
	card_answer_clear(&a);
	sim_clear(&before);
	return rc;
}

int sim_derive(const struct sim *s, struct secret *ext, struct secret *in, struct span naf_id, struct span impi)
{
	int rc;

	if (!s->ks.len)
		return -ENOKEY;
	rc = kdf_ks_naf(ext, KDF_KS_NAF, &s->ks, s->gbabp.rand, impi, naf_id);
	return rc < 0 ? rc : kdf_ks_naf(in, KDF_KS_INT_NAF, &s->ks, s->gbabp.rand, impi, naf_id);
}

void sim_kc(struct secret *kc, const struct secret *ck, const struct secret *ik)
{
	kc->len = SIM_KC_LEN;
	for (int i = 0; i < SIM_KC_LEN; i++)
		kc->b[i] = ck->b[i] ^ ck->b[i + SIM_KC_LEN] ^ ik->b[i] ^ ik->b[i + SIM_KC_LEN];
}

int sim_gsm(const struct sim *s, struct secret *sres, struct secret *kc, const uint8_t rand[AKA_RAND_LEN])
{
	SECRET_AUTO res = { 0 };
	SECRET_AUTO ck = { 0 };
	SECRET_AUTO ik = { 0 };
	int rc = aka_f2345(&res, &ck, &ik, NULL, NULL, &s->cred, rand);

	if (rc < 0)
		return rc;
	*sres = (struct secret){ .len = SIM_SRES_LEN };
	for (unsigned i = 0; i < res.len; i++)
		sres->b[i % SIM_SRES_LEN] ^= res.b[i];
	sim_kc(kc, &ck, &ik);
	return 0;
}

void sim_clear(struct sim *s)
{
	OPENSSL_cleanse(s, sizeof(*s));
}
