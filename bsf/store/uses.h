/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file uses.h
 *  How often an application was given a key of a session, where its policy bounds that, in a store that one process has. In memory, nothing
 *  of a session that lives is forgotten; of one that was made before this process it is not known, so it counts as given without end:
 *  its device bootstraps again. Any thread. */
#pragma once

#include "bsf/store/gba_session.h"
#include "common/gba/naf_id.h"

#define USES_UNKNOWN UINT32_MAX

struct uses;
/*! \param[in] began_ms store_clock_ms() of now: what is made from then on is counted from nothing. \returns NULL: no memory */
struct uses *uses_new(int64_t began_ms);
void uses_free(struct uses *u); /* may be NULL */

/*! What a use is counted under: of a session by an application, whatever the case of its name.
 *  \param[out] out USES_NAME_MAX octets \returns its span */
#define USES_NAME_MAX (4 + AKA_RAND_LEN + FQDN_MAX)
struct span uses_name(uint8_t *out, const struct gba_session *s, const char *naf);

/*! One more. \param[in] naf its host name. \param[in] clock_ms store_clock_ms(). \param[in] now_s Unix seconds
 *  \returns how many, this one too; USES_UNKNOWN; 0: no memory, not counted */
uint32_t uses_count(struct uses *u, const struct gba_session *s, const char *naf, int64_t clock_ms, int64_t now_s);
/*! What uses_count() would return; nothing is counted. */
uint32_t uses_look(struct uses *u, const struct gba_session *s, const char *naf, int64_t clock_ms, int64_t now_s);
