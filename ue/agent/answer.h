/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file answer.h
 *  What the agent says: one line of JSON, with reason (gba/ue.h), cause, status and run; a key stands last, so that no library
 *  copies it. */
#pragma once

#include <gba/ue.h>
#include "ue/agent/changes.h"
#include "ue/lib/ue_cause.h"

#define ANSWER_MAX 16384 /* octets, with the line end */

struct answer {
	size_t len;
	char s[ANSWER_MAX]; /* has a key: the caller wipes it */
};

/*! \param[in] key of the request \param[in] status HTTP, of the BSF's last answer for it; 0: none */
void answer_key(struct answer *a, const struct gba_ue_key *key, long status);

/*! \param[in] cause a word; \param[in] text for people */
void answer_refusal(struct answer *a, enum gba_ue_reason reason, const char *cause, const char *text, long status,
		    const char *run);

/*! \param[in] result "done" */
void answer_done(struct answer *a, const char *result);

/*! All realms, the active one marked. \param[in] result "realms"; "watching": what changes of them follows */
void answer_list(struct answer *a, const char *result, struct gba_ue *ue);

/*! To who watches. */
void answer_change(struct answer *a, const struct change *c);
