/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file usage.h
 *  Keys that left, in their order and numbered, for who keeps for longer than we do which application used a device's key. In memory,
 *  a day long, as far as there is room; what nobody has read before this daemon ends is lost. Any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/gba/impi.h"
#include "common/gba/naf_id.h"

#define ZN_USAGE_MAX    65536 /* a power of two; one more takes the place of the oldest */
#define ZN_USAGE_KEPT_S 86400
#define ZN_USAGE_BOOT   16 /* hex digits */

struct zn_use {
	char impi[IMPI_MAX + 1], naf[FQDN_MAX + 1];
	int64_t bootstrapped_s, at_s; /* Unix time */
};

/*! Before the first BIR. \returns 0; -ENOMEM; -EIO */
int zn_usage_init(void);
void zn_usage_free(void);

/*! The numbers begin anew with each start, which has a name of its own. */
const char *zn_usage_boot(void);

/*! Without memory it is not noted. */
void zn_usage_note(const char *impi, const char *naf, int64_t bootstrapped_s, int64_t at_s);

/*! What came behind a number, the first max of it.
 *  \param[in,out] behind 0: from the beginning; then the number of the last one that is in out, or was lost, or as it was
 *  \param[out] lost how many there were behind it that are not kept any more \returns how many are in out */
size_t zn_usage_read(struct zn_use *out, size_t max, uint64_t *behind, uint64_t *lost);
