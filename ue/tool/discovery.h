/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file discovery.h
 *  What an operator says of its realm at /.well-known/gba-configuration (doc/gba-configuration.schema.json), as far as a device
 *  uses it. Pure but for memory. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <gba/ue.h>
#include "common/base/err.h"
#include "common/gba/btid.h"
#include "common/gba/naf_id.h"

#define DISCOVERY_PATH        "/.well-known/gba-configuration"
#define DISCOVERY_MAX         65536 /* octets of a document */
#define DISCOVERY_LIST_MAX    16
#define DISCOVERY_URL_MAX     1024
#define DISCOVERY_MISSING_MAX 4

enum { DISCOVERY_KEY_DEVICE = 1, DISCOVERY_KEY_CARD = 2 };

struct discovery {
	char realm[GBA_UE_REALM_MAX + 1];
	char bsf_url[DISCOVERY_URL_MAX + 1];
	char bsf_names[DISCOVERY_LIST_MAX][BSF_NAME_MAX + 1];
	size_t n_bsf_names;
	uint8_t ua[DISCOVERY_LIST_MAX][UA_ID_LEN];
	size_t n_ua;
	unsigned keys;                         /* DISCOVERY_KEY_... */
	char registry[DISCOVERY_URL_MAX + 1];  /* "" not told */
	char catalogue[DISCOVERY_URL_MAX + 1]; /* "" not told */
	char apps[DISCOVERY_URL_MAX + 1];      /* "" not told */
	time_t valid_until;
};

/*! Members it does not know are ignored; of those it knows each must be what is allowed, and stand once.
 *  \param[out] out untouched on error \param[in] json attacker-controlled, not NUL-terminated
 *  \returns 0; -E2BIG; -EBADMSG no JSON, no object; -EINVAL a member, which err names with what is allowed; -ETIME it is over */
int discovery_parse(struct discovery *out, const uint8_t *json, size_t len, time_t now, struct err *err);

/*! What a device would want to know and was not told, in words. \returns how many, out has them, static */
size_t discovery_missing(const struct discovery *d, const char *out[DISCOVERY_MISSING_MAX]);
