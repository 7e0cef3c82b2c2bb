/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ue_limit.h
 *  How often an application may say that it refused the key: who forges such answers would otherwise make the device run Ub
 *  as often as he likes, and the BSF would lock its subscriber out. A limit per NAF and time, one for all NAFs besides. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define UE_LIMIT_PAST 32 /* renewals of all NAFs in the time of the limit */
#define UE_LIMIT_NAF  8  /* octets a NAF is known by: of its name's SHA-256, so that no list of names is kept */

struct ue_limit {
	size_t n;
	struct {
		uint8_t naf[UE_LIMIT_NAF];
		time_t at;
	} past[UE_LIMIT_PAST]; /* the oldest first */
};

/*! One more renewal for this NAF?
 *  \param[in] most per NAF, 1..UE_LIMIT_PAST, in \param[in] window_s seconds
 *  \returns true and it is counted; false: too many, wait_s (may be NULL) is until the next may be */
bool ue_limit_take(struct ue_limit *l, const char *naf, time_t now, unsigned most, unsigned window_s, long *wait_s);
