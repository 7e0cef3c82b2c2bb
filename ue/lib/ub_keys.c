/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ub_keys.h"

#include <errno.h>
#include <string.h>

#include "common/crypto/kdf.h"
#include "common/gba/gba_time.h"

enum card_context ub_keys_context(const struct card *card)
{
	return card->caps & CARD_CAP_GBA ? CARD_CONTEXT_GBA : CARD_CONTEXT_3G;
}

int ub_keys_take(struct card *card, struct key_store *next, const struct card_answer *answer,
		 const struct bsf_info *info, struct err *err)
{
	char when[DATE_TIME_LEN + 1];

	next->on_card = ub_keys_context(card) == CARD_CONTEXT_GBA;
	if (!next->on_card)
		return kdf_ks(&next->ks, &answer->ck, &answer->ik);
	secret_clear(&next->ks);
	if (date_time_format(when, info->expires_at) < 0)
		return -EINVAL;
	return card_gbabp_write(card, info->btid, when, err);
}

int ub_keys_tmpi(struct card *card, struct key_store *next, const char *bsf_name, struct err *err)
{
	uint8_t bsf_id[TMPI_BSF_ID_MAX];
	SECRET_AUTO seed = { 0 };
	int n = tmpi_bsf_id(bsf_id, bsf_name), rc;

	if (!next->on_card)
		return tmpi_derive(next->tmpi, &next->ks, next->rand, span_str(next->impi.s), bsf_name);
	rc = n < 0 ? n : card_derive(card, &seed, span_of(bsf_id, (size_t)n), span_str(next->impi.s), err);
	if (rc == 0)
		memcpy(next->tmpi, seed.b, TMPI_LEN);
	return rc;
}

int ub_keys_naf(struct card *card, const struct key_store *k, struct secret *out, struct span naf_id, struct err *err)
{
	const struct span impi = span_str(k->impi.s);
	struct card_gbabp bp;
	int rc;

	if (!k->on_card) {
		rc = kdf_ks_naf(out, KDF_KS_NAF, &k->ks, k->rand, impi, naf_id);
		return rc < 0 ? err_set(err, rc, "the key cannot be derived") : 0;
	}
	/* another device may have bootstrapped with this card since (31.102 5.2.21) */
	rc = card_gbabp_read(card, &bp, err);
	if (rc == 0 && (!bp.has_rand || memcmp(bp.rand, k->rand, sizeof(bp.rand)) != 0))
		rc = err_set(err, -ENOKEY, "the card's key is of another run");
	return rc < 0 ? rc : card_derive(card, out, naf_id, impi, err);
}
