/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file auth_info.h
 *  Authentication-Info header value (RFC 7615, RFC 7616 3.5). */
#pragma once

#include "common/base/bytes.h"

#define AUTH_INFO_MAX 4096 /* octets of a header value */

struct auth_info {
	struct span nextnonce, qop, rspauth, cnonce, nc; /* absent: p NULL */
};

/*! Pure; spans point into buf. \returns 0; -EBADMSG; -E2BIG */
int auth_info_parse(struct auth_info *out, const uint8_t *buf, size_t len);

/*! For the fuzz target: every span lies in the input; aborts otherwise. */
void auth_info_assert_inside(const struct auth_info *h, const uint8_t *buf, size_t len);

/*! Form of TS 24.109: qop=auth-int, rspauth="...", cnonce="...", nc=00000001.
 *  \returns characters written; -ENOSPC; -EINVAL */
int auth_info_format(char *out, size_t cap, const struct auth_info *h);
