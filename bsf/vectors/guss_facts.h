/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file guss_facts.h
 *  What a bootstrap needs to know of a GUSS: that it can be used, its bsfInfo, and what is kept of it (common/gba/guss_copy.h).
 *  Reading the XML costs as much as all other work on an answer of the HSS, and a subscriber's GUSS seldom changes; so what was
 *  read of the same octets before is remembered (nothing of one that is long, or that somebody has to mend). One memo per shard,
 *  at most GUSS_MEMO_MAX octets of it are copies, besides what sessions keep of those (gba_session.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "bsf/store/gba_session.h"
#include "common/crypto/gba_u.h"
#include "common/gba/guss_copy.h"

struct guss_facts {
	bool has_life_time;
	int64_t life_time_s;      /* as written */
	bool gba_u;               /* uiccType says GBA_U */
	enum gba_u_hash mac_star; /* SHA-1 where nothing is said */
};

/*! What somebody has to mend, though the run goes on. */
struct guss_told {
	unsigned left_out; /* USSs that cannot be used */
	struct err why;    /* what is wrong with the first of them */
	struct err odd;    /* "" none: elements that are perhaps misspelt or in a wrong place */
};

#define GUSS_MEMO_MAX (16 << 20)

/*! Read. Pure.
 *  \param[out] kept an owned reference; NULL: no GUSS \param[in] xml may be empty: no GUSS, no facts
 *  \returns 0; -EBADMSG cannot be used; -ENOMEM */
int guss_facts_read(struct guss_facts *out, struct guss_blob **kept, struct guss_told *told, struct span xml,
		    enum guss_bad_uss rule);

/*! The same of what was kept of one: for a run whose GUSS has not changed since.
 *  \param[out] when its timestamp, Unix seconds \returns false: it does not say it all */
bool guss_facts_kept(struct guss_facts *out, int64_t *when, struct span kept);

struct guss_memo;

/*! \returns new object owned by ctx; NULL no memory, no random numbers */
struct guss_memo *guss_memo_new(void *ctx);
/*! The same as guss_facts_read(). One thread per memo. */
int guss_memo_read(struct guss_memo *m, struct guss_facts *out, struct guss_blob **kept, struct guss_told *told,
		   struct span xml, enum guss_bad_uss rule);
/*! How often it was known already (tests). */
uint64_t guss_memo_hits(const struct guss_memo *m);
