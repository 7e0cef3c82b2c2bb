/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_rate.h
 *  How many requests a second: a bucket for each token that has proved good, and one for each address, which pays for what has not
 *  (so guessing tokens costs nobody else anything). A table of fixed size; who was not seen longest goes. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api_rates;

/*! \returns new object; NULL: no memory */
struct api_rates *api_rates_new(void);
void api_rates_free(struct api_rates *r); /* may be NULL */

/*! Has this key a bucket? */
bool api_rate_known(const struct api_rates *r, uint64_t key);
/*! It has one from now on, or none any more. */
void api_rate_learn(struct api_rates *r, uint64_t key, uint64_t now_us);
void api_rate_forget(struct api_rates *r, uint64_t key);

/*! One more. \param[in] key given a bucket if it has none. \param[in] per_s also what may come at once
 *  \returns 0; else in how many seconds to come again */
unsigned api_rate_take(struct api_rates *r, uint64_t key, unsigned per_s, uint64_t now_us);

/*! What was taken was so many more: who brings much at once waits before he is served again. */
void api_rate_charge(struct api_rates *r, uint64_t key, unsigned per_s, size_t more);
