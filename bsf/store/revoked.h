/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file revoked.h
 *  When something was revoked of which there may be no record yet: a run that was challenged before must not become a session.
 *  In memory, of fixed size: a slot of the table stands for many names and holds the youngest instant, so what was not revoked may
 *  count as revoked (one in 65536), and its device begins again; what was revoked never counts as not. Challenges live in the same
 *  memory, so a restart ends them, too. Any thread; what looks here and then writes does both under the lock that a revocation
 *  takes. */
#pragma once

#include <stdbool.h>
#include "common/gba/btid.h"

struct revoked;
struct revoked *revoked_new(void); /* NULL: no memory */
void revoked_free(struct revoked *t);

/*! \param[in] at_ms store_clock_ms() */
void revoked_impi(struct revoked *t, const char *impi, int64_t at_ms);
void revoked_rand(struct revoked *t, const uint8_t rand[BTID_RAND_LEN], int64_t at_ms);

/*! \param[in] made_ms when the challenge was made \returns was this IMPI or this run revoked then or later? */
bool revoked_since(const struct revoked *t, const char *impi, const uint8_t rand[BTID_RAND_LEN], int64_t made_ms);
