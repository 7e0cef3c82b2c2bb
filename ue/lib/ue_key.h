/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ue_key.h
 *  A key with a NAF, as a program holds it. */
#pragma once

#include <gba/ue.h>
#include "common/base/secret.h"
#include "common/crypto/kdf.h"
#include "common/gba/btid.h"
#include "common/gba/run_id.h"

struct gba_ue_key {
	struct secret key; /* empty: no NAF was named */
	char btid[BTID_MAX + 1], naf[GBA_UE_NAME_MAX + 1], realm[GBA_UE_REALM_MAX + 1], run[RUN_ID_LEN + 1];
	char fingerprint[KEY_FINGERPRINT_LEN + 1];
	int64_t expires_at;
	bool bootstrapped;
	unsigned long drops; /* of the realm, when it was made */
};
