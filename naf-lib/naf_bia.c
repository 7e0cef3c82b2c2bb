/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_bia.h"

#include <errno.h>
#include "common/gba/gba_time.h"

int naf_bia_read(struct zn_bia *bia, int64_t now, struct gba_naf_key *key)
{
	const struct result *r = &bia->result;
	bool tgpp = r->experimental && r->vendor == RESULT_VENDOR_3GPP;

	if (tgpp && r->code == RESULT_X_TRANSACTION_INVALID)
		return -ENOENT;
	if (tgpp && r->code == RESULT_X_NOT_AUTHORIZED)
		return -EPERM;
	if (r->experimental || r->code != RESULT_SUCCESS || bia->me_key.len != GBA_NAF_KEY_LEN)
		return -EPROTO;
	memcpy(key->key, bia->me_key.b, GBA_NAF_KEY_LEN);
	key->has_card_key = bia->uicc_key.len == GBA_NAF_KEY_LEN;
	if (key->has_card_key)
		memcpy(key->card_key, bia->uicc_key.b, GBA_NAF_KEY_LEN);
	key->expires_at = bia->has_times ? ntp_near(bia->expires_at, now) : NAF_TIME_NONE;
	key->created_at = bia->has_created ? ntp_near(bia->created_at, now) : NAF_TIME_NONE;
	key->gba_type = bia->gba_type;
	memcpy(key->impi, bia->impi.s, sizeof(key->impi));
	key->uss_list = bia->uss_list;
	key->uss_list_len = bia->uss_list_len;
	bia->uss_list = NULL;
	return 0;
}
