/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file rate.h
 *  How many requests a second one NAF may ask: a bucket of one second's worth that outlives the policies that refer to it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RATE_MAX 1000000 /* requests a second */

struct rate;

/*! \returns new object that lets everything pass, held once; NULL: no memory */
struct rate *rate_new(void);
/*! Hold it once more. \returns r */
struct rate *rate_hold(struct rate *r);
/*! The last one frees; r may be NULL. */
void rate_drop(struct rate *r);

/*! From here on. Any thread. \param[in] per_s 1 .. RATE_MAX; 0: no limit */
void rate_set(struct rate *r, uint32_t per_s);
uint32_t rate_get(const struct rate *r);
/*! One more. Any thread. \param[in] now_us clock_mono_us(). \returns false: over the rate, nothing was taken */
bool rate_take(struct rate *r, uint64_t now_us);
