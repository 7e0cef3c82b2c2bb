/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file bsf_info.h
 *  BootstrappingInfo, the body of the 200 OK on Ub, TS 24.109 annex C. */
#pragma once

#include <time.h>
#include "common/base/bytes.h"
#include "common/gba/btid.h"

#define BSF_INFO_TYPE     "application/vnd.3gpp.bsf+xml"
#define BSF_INFO_MAX      1024  /* octets we write */
#define BSF_INFO_READ_MAX 16384 /* octets we read */

struct bsf_info {
	char btid[BTID_MAX + 1];
	time_t expires_at;
	bool has_now;
	time_t now; /* Extension/currenttime */
};

/*! \returns octets written; -ENOSPC; -EINVAL a time beyond the year 9999 */
int bsf_info_format(char *out, size_t cap, const struct bsf_info *in);

/*! Unknown elements and attributes are ignored. \returns 0; -EBADMSG; -E2BIG. out untouched on error */
int bsf_info_parse(struct bsf_info *out, const uint8_t *buf, size_t len);
