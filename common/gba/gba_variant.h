/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file gba_variant.h
 *  By which of the ways of TS 33.220 a device has bootstrapped. */
#pragma once

/*! How Ks came to be; wire values of a record, do not renumber. */
enum gba_variant { GBA_VARIANT_ME = 1, GBA_VARIANT_U = 2, GBA_VARIANT_2G = 3, GBA_VARIANT_DIGEST = 4 };
