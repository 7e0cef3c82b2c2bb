/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file key_lifetime.h
 *  How long a Ks lives, TS 33.220 4.2.3: the GUSS wins over configuration, within the operator's maximum. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*! \param[in] has_guss     the GUSS gives a life time (seconds, unchecked)
 *  \param[out] clamped     the GUSS was outside 1 .. max_s (cause zh_guss_lifetime): above, max_s is taken; 0 and below are
 *                          no time a key can live, so they say nothing and default_s is taken
 *  \returns seconds, 1 .. max_s */
int64_t key_lifetime_s(int64_t default_s, int64_t max_s, bool has_guss, int64_t guss_s, bool *clamped);
