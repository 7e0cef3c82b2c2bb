/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_bia.h
 *  What the BSF's answer means to a NAF. Pure; knows no Diameter. */
#pragma once

#include "common/gba/zn_msg.h"
#include "naf-lib/naf_ks.h"

/*! \param[in,out] bia its USS list moves to key
 *  \param[in]     now Unix time: Diameter's instants begin anew every 136 years, those near to now are meant
 *  \param[out]    key zeroed by the caller, for naf_key_clear(); untouched on error. NAF_TIME_NONE: the BSF did not say
 *  \returns 0; -ENOENT B-TID unknown; -EPERM refused; -EPROTO anything else, also success without a key of
 *           32 octets, or with USSs that cannot be read; -ENOMEM */
int naf_bia_read(struct zn_bia *bia, int64_t now, struct gba_naf_key *key);
