/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file given.h
 *  Which applications got a key of a session, and when: for who asks who used it, and for who must tell them that it is over. In
 *  memory, for the subscribers that came last, without their IMPI. Any thread. */
#pragma once

#include "common/gba/btid.h"
#include "common/gba/naf_id.h"

#define ZN_GIVEN_NAFS        8     /* of a session, those that asked last */
#define ZN_GIVEN_SUBSCRIBERS 16384 /* a power of two; of two in one place the later one stays */

struct zn_given {
	struct btid btid;
	size_t n;
	struct {
		char naf[FQDN_MAX + 1]; /* host name it asked for */
		int64_t at_s;           /* Unix time of the last time */
		unsigned times;
	} nafs[ZN_GIVEN_NAFS]; /* in no order */
};

/*! Before the first BIR. \returns 0; -ENOMEM; -EIO */
int zn_given_init(void);
void zn_given_free(void);

#define ZN_GIVEN_SLOT_S 300 /* further keys within a stretch of this are one use */

/*! The number of a subscriber here, for what follows. Its place, which is in no cache, is on its way to it from now on. */
uint64_t zn_given_who(const char *impi);

/*! A key has left. Without memory it is not noted. \returns false: this application had one of this session in the same slot */
bool zn_given_note(uint64_t who, const struct btid *btid, const char *naf, int64_t at_s);

/*! \returns false: none of this subscriber's, or others have come since */
bool zn_given_of(struct zn_given *out, const char *impi);
/*! The same by the B-TID. */
bool zn_given_btid(struct zn_given *out, const struct btid *btid);
