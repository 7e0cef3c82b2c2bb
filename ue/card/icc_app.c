/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Which application of a card it is (TS 33.220 4.4.8). Pure. */
#include <string.h>
#include <strings.h>
#include "ue/card/icc.h"

size_t icc_apps_read(struct icc_app out[ICC_APPS_MAX], struct span r)
{
	static const uint8_t rid[] = { 0xa0, 0, 0, 0, 0x87, 0x10 };
	size_t n = 0;

	for (size_t at = 0; at + 4 <= r.len && n < ICC_APPS_MAX;) {
		const uint8_t *p = r.p + at;
		size_t len = p[1], aid = p[3];
		struct icc_app *app = &out[n];

		if (p[0] != 0x61 || at + 2 + len > r.len || p[2] != 0x4f || aid + 2 > len) {
			at++;
			continue;
		}
		at += 2 + len;
		if (aid < 7 || aid > ICC_AID_MAX || memcmp(p + 4, rid, sizeof(rid)) != 0 || (p[10] != 2 && p[10] != 4))
			continue;
		*app = (struct icc_app){ .kind = p[10] == 2 ? CARD_APP_USIM : CARD_APP_ISIM, .aid_len = (uint8_t)aid };
		memcpy(app->aid, p + 4, aid);
		if (len >= aid + 4 && p[4 + aid] == 0x50 && p[5 + aid] <= ICC_LABEL_MAX && aid + 4 + p[5 + aid] <= len)
			memcpy(app->label, p + 6 + aid, p[5 + aid]);
		n++;
	}
	return n;
}

static const struct icc_app *first_of(const struct icc_app *apps, size_t n, enum card_app kind)
{
	for (size_t i = 0; i < n; i++) {
		if (apps[i].kind == kind)
			return &apps[i];
	}
	return NULL;
}

const struct icc_app *icc_choose(const struct icc_app *apps, size_t n, const struct card_choice *how)
{
	const struct icc_app *usim = first_of(apps, n, CARD_APP_USIM), *isim = first_of(apps, n, CARD_APP_ISIM);

	switch (how->wish) {
	case CARD_WISH_LABEL:
		for (size_t i = 0; i < n; i++) {
			if (strcmp(apps[i].label, how->label) == 0)
				return &apps[i];
		}
		return NULL;
	case CARD_WISH_USIM:
		return usim;
	case CARD_WISH_ISIM:
		return isim ? isim : usim;
	default:
		return usim ? usim : isim;
	}
}
