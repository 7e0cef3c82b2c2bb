/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file gba_ids.h
 *  Numbers of the applications and commands of TS 29.109. Needs no library. */
#pragma once

#define GBA_APP_ZN  16777220
#define GBA_APP_ZH  16777221
#define GBA_APP_ZPN 16777268
#define GBA_CMD_MA  303
#define GBA_CMD_BI  310
#define GBA_CMD_GP  312
