/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file slf.h
 *  The simulator as SLF (TS 33.220 4.2.5, Dz): for whom it does not answer itself but names the HSS that does. Pure, main thread. */
#pragma once

#include "common/gba/impi.h"
#include "common/gba/zh_msg.h"

#define SLF_MAX 256
#define SLF_ALL "all"

/*! Whom it is about, as written: "all", an IMPI, or FROM-TO, both as many digits, of IMSIs (the user of an IMPI). */
struct slf_entry {
	char who[IMPI_MAX + 1];
	char host[ZH_HOST_MAX + 1];
};

struct slf {
	struct slf_entry e[SLF_MAX];
	size_t n;
	uint32_t usage; /* enum zh_redirect_usage */
	uint32_t cache_s;
};

/*! \returns static; NULL: no such number */
const char *slf_usage_name(uint32_t usage);
/*! \returns number; -ENOENT */
int slf_usage_find(const char *name);

/*! Can it be written? */
bool slf_who_valid(const char *who);

/*! One more host for who, named after those it has. \returns 0; -EEXIST; -E2BIG who has ZH_REDIRECT_HOSTS; -ENOSPC */
int slf_add(struct slf *s, const char *who, const char *host);
/*! \returns how many hosts who had */
size_t slf_del(struct slf *s, const char *who);

/*! \param[out] out what to answer: of the IMPI's own hosts; else of the first range that has it; else of all
 *  \returns false: nothing is said of this one */
bool slf_find(struct zh_redirect *out, const struct slf *s, const char *impi);
