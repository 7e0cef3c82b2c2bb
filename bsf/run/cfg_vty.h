/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file cfg_vty.h
 *  The commands of the nodes bsf, ub, diameter, hss and store. */
#pragma once

void bsf_cfg_vty_init(void);
