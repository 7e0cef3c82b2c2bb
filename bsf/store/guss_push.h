/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file guss_push.h
 *  A GUSS that came from elsewhere than the HSS's answer, while runs were under way that carry an older one from their MAA: until
 *  those can have ended, a session that is put takes the newer one. In memory: a restart ends the runs, too. Any thread. */
#pragma once

#include "bsf/store/gba_session.h"

#define GUSS_PUSHES_MAX 100000 /* subscribers remembered at a time */
#define GUSS_NEVER      INT64_MIN

/*! When what is kept of a GUSS was changed last, by its own word (Extension/timestamp). \returns Unix seconds; GUSS_NEVER: it does not say it, or
 *  there is none */
int64_t guss_push_when(struct span kept);

/*! Put new in the place of one that was changed before it, by its own word; one without a timestamp is older than any with.
 *  \param[in,out] old an owned reference or NULL. \param[in] new a reference is taken. \param[in] when guss_push_when() of new
 *  \returns was it changed? */
bool guss_push_replace(struct guss_blob **old, struct guss_blob *new, int64_t when);

struct guss_pushes;
struct guss_pushes *guss_pushes_new(void);    /* NULL: no memory */
void guss_pushes_free(struct guss_pushes *p); /* may be NULL */

/*! Remember for keep_ms; a newer one for the same subscriber stays.
 *  \param[in] guss one reference is taken \returns 0; -EBUSY too many are remembered; -ENOMEM */
int guss_pushes_put(struct guss_pushes *p, const char *impi, struct guss_blob *guss, uint64_t keep_ms);

/*! Put the one that is remembered in the place of an older one.
 *  \param[in,out] guss an owned reference or NULL \returns was it changed? */
bool guss_pushes_take(struct guss_pushes *p, const char *impi, struct guss_blob **guss);
