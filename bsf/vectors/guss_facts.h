/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file guss_facts.h
 *  What a bootstrap needs to know of a GUSS: that it can be used, and its bsfInfo. Reading the XML costs as much as all
 *  other work on an answer of the HSS, and a subscriber's GUSS seldom changes; so what was read of the same octets before is
 *  remembered (not the GUSS itself, and nothing of one that cannot be used). One memo per shard, of fixed size. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "common/base/bytes.h"
#include "common/crypto/gba_u.h"

struct guss_facts {
	bool has_life_time;
	int64_t life_time_s;      /* as written */
	bool gba_u;               /* uiccType says GBA_U */
	enum gba_u_hash mac_star; /* SHA-1 where nothing is said */
};

/*! Read. Pure. \param[in] xml may be empty: no GUSS, no facts. \returns 0; -EBADMSG cannot be used; -ENOMEM */
int guss_facts_read(struct guss_facts *out, struct span xml);

struct guss_memo;

/*! \returns new object owned by ctx; NULL no memory, no random numbers */
struct guss_memo *guss_memo_new(void *ctx);
/*! The same as guss_facts_read(). One thread per memo. */
int guss_memo_read(struct guss_memo *m, struct guss_facts *out, struct span xml);
/*! How often it was known already (tests). */
uint64_t guss_memo_hits(const struct guss_memo *m);
