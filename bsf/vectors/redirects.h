/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redirects.h
 *  What an SLF said of users, for as long as it said (RFC 6733 6.13, 6.14), so that it is not asked each time. Bounded: what finds
 *  no place takes an older one's. One per shard, no I/O; an IMPI is kept as its keyed hash only. */
#pragma once

#include "common/gba/zh_msg.h"

#define REDIRECTS_S_MAX 3600 /* whatever it says */
#define REDIRECTS_USERS 4096

struct redirects;

/*! \returns malloc'ed; NULL no memory, no random numbers */
struct redirects *redirects_new(void);
void redirects_free(struct redirects *r); /* may be NULL */

/*! Remember what it said of this user, or of all, as its usage says; what is not to be kept is not.
 *  \param[in] from hss_id() of who said it */
void redirects_put(struct redirects *r, uint32_t from, const char *impi, const struct zh_redirect *said,
		   uint64_t now_ms);
/*! What holds for a user: what was said of it goes before what was said of all.
 *  \returns its hosts, lent until the next call; usage and time are not set. NULL: nothing, or not any more */
const struct zh_redirect *redirects_get(struct redirects *r, uint32_t from, const char *impi, uint64_t now_ms);
/*! It does not hold: who was named is gone. r may be NULL */
void redirects_forget(struct redirects *r, uint32_t from, const char *impi);
