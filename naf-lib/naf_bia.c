/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_bia.h"

#include <errno.h>
#include "common/crypto/rng.h"
#include "common/gba/gba_time.h"
#include "common/gba/guss.h"

/* The words of 29.309; others say nothing that is known here. */
static unsigned selected(const char *choice)
{
	if (strcmp(choice, "ME_BASED_KEY") == 0)
		return GBA_NAF_KEY_DEVICE;
	return strcmp(choice, "UICC_BASED_KEY") == 0 ? GBA_NAF_KEY_CARD : GBA_NAF_KEY_DEVICE | GBA_NAF_KEY_CARD;
}

/* What each USS leaves of use (33.220 5.3.3). */
static int key_selection(unsigned *use, const struct zn_bia *bia)
{
	struct guss *g;
	int rc;

	if (!bia->uss_list)
		return 0;
	rc = guss_parse(&g, (const uint8_t *)bia->uss_list, bia->uss_list_len, NULL);
	if (rc < 0)
		return rc == -ENOMEM ? rc : -EPROTO; /* it may have demanded the other key */
	for (size_t i = 0; i < g->n_uss; i++) {
		if (g->uss[i].key_choice)
			*use &= selected(g->uss[i].key_choice);
	}
	guss_free(g);
	return 0;
}

/* Which may be used. Who looks at no more than `key` must not find one that anybody knows. */
static int keys_take(const struct zn_bia *bia, struct gba_naf_key *key)
{
	bool device = bia->me_key.len == GBA_NAF_KEY_LEN, card = bia->uicc_key.len == GBA_NAF_KEY_LEN;
	unsigned use = (device ? GBA_NAF_KEY_DEVICE : 0) | GBA_NAF_KEY_CARD;
	int rc = device || (card && !bia->me_key.len) ? key_selection(&use, bia) : -EPROTO;

	if (rc < 0 || (!device && rng_fill(key->key, GBA_NAF_KEY_LEN) < 0))
		return rc < 0 ? rc : -ENOMEM;
	if (device)
		memcpy(key->key, bia->me_key.b, GBA_NAF_KEY_LEN);
	key->has_card_key = card;
	if (card)
		memcpy(key->card_key, bia->uicc_key.b, GBA_NAF_KEY_LEN);
	key->use = use ? use : GBA_NAF_KEY_NONE;
	return 0;
}

int naf_bia_read(struct zn_bia *bia, int64_t now, struct gba_naf_key *key)
{
	const struct result *r = &bia->result;
	bool tgpp = r->experimental && r->vendor == RESULT_VENDOR_3GPP;
	int rc;

	if (tgpp && r->code == RESULT_X_TRANSACTION_INVALID)
		return -ENOENT;
	if (tgpp && r->code == RESULT_X_NOT_AUTHORIZED)
		return -EPERM;
	if (r->experimental || r->code != RESULT_SUCCESS)
		return -EPROTO;
	rc = keys_take(bia, key);
	if (rc < 0)
		return rc;
	key->expires_at = bia->has_times ? ntp_near(bia->expires_at, now) : NAF_TIME_NONE;
	key->created_at = bia->has_created ? ntp_near(bia->created_at, now) : NAF_TIME_NONE;
	key->gba_type = bia->gba_type;
	memcpy(key->impi, bia->impi.s, sizeof(key->impi));
	key->uss_list = bia->uss_list;
	key->uss_list_len = bia->uss_list_len;
	bia->uss_list = NULL;
	return 0;
}
