/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ue_key.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/b64.h"

const uint8_t *gba_ue_key_octets(const struct gba_ue_key *key)
{
	return key && key->key.len ? key->key.b : NULL;
}

const char *gba_ue_key_btid(const struct gba_ue_key *key)
{
	return key ? key->btid : "";
}

const char *gba_ue_key_naf(const struct gba_ue_key *key)
{
	return key ? key->naf : "";
}

const char *gba_ue_key_realm(const struct gba_ue_key *key)
{
	return key ? key->realm : "";
}

const char *gba_ue_key_run(const struct gba_ue_key *key)
{
	return key ? key->run : "";
}

const char *gba_ue_key_fingerprint(const struct gba_ue_key *key)
{
	return key ? key->fingerprint : "";
}

int64_t gba_ue_key_expires_at(const struct gba_ue_key *key)
{
	return key ? key->expires_at : 0;
}

bool gba_ue_key_bootstrapped(const struct gba_ue_key *key)
{
	return key && key->bootstrapped;
}

int gba_ue_key_password(const struct gba_ue_key *key, char out[GBA_UE_PASSWORD_LEN + 1])
{
	if (!key || !out || key->key.len != GBA_UE_KEY_LEN)
		return -ENOKEY;
	b64_encode(out, GBA_UE_PASSWORD_LEN + 1, key->key.b, key->key.len);
	return 0;
}

void gba_ue_key_free(struct gba_ue_key *key)
{
	if (!key)
		return;
	OPENSSL_cleanse(key, sizeof(*key));
	free(key);
}
