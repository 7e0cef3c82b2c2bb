/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_bia.h
 *  What the BSF's answer means to a NAF. Pure; knows no Diameter. */
#pragma once

#include "common/gba/zn_msg.h"
#include "gba/naf.h"

/*! \param[in,out] bia    its USS list moves to key
 *  \param[in]     is_open the BSF is connected: else "unable to deliver" was made by our own node
 *  \param[out]    key    zeroed by the caller, for naf_key_clear(); untouched on error
 *  \returns 0; -ENOENT B-TID unknown; -EPERM refused; -EHOSTDOWN; -EPROTO anything else, also success without a key of
 *           32 octets */
int naf_bia_read(struct zn_bia *bia, bool is_open, struct gba_naf_key *key);
