/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file fault_act.h
 *  What the behaviours of fault.h do: to what is decided, to a vector, to a GUSS, to the octets of an answer. Nobody else asks which
 *  behaviour it is. Pure but for random numbers. */
#pragma once

#include "common/dia/dia_hub.h"
#include "common/gba/zh_msg.h"
#include "hss-sim/fault.h"

/*! Words of FAULT_MALFORMED, NULL behind the last, and a line of help for each. */
extern const char *const fault_forms[];
extern const char fault_form_help[];

/*! Result codes 29.109 defines live in Experimental-Result (2401-2409, 5401-5409). */
bool fault_result_experimental(uint32_t code);

/*! What comes in the place of our own answer. */
struct fault_outcome {
	struct result result; /* code 0: no answer */
	struct zh_redirect redirect;
};
/*! \returns false: none */
bool fault_outcome(struct fault_outcome *out, const struct fault_effect *e);

/*! Milliseconds to wait first. */
uint64_t fault_delay_ms(const struct fault_effect *e);

/*! Spoil a vector. \param[in] p of sort FAULT_SORT_VECTOR. \returns 0; -EIO */
int fault_vector(struct aka_vector *v, const struct fault_part *p, const struct aka_cred *cred);

/*! What becomes of a GUSS. \param[out] made malloc'ed where it is another document, which the span then points to; else NULL */
struct span fault_guss(struct span guss, const struct fault_effect *e, char **made);

/*! An answer as it is to leave; lent. */
struct fault_answer {
	dia_reply_fn *put;
	const void *answer;
	const struct fault_effect *effect;
};
/*! A dia_reply_fn of a struct fault_answer. \returns octets, of all copies; -ENOSPC */
int fault_put(struct writer *w, struct span request, const struct dia_self *self, const void *fault_answer);

/*! Does the connection end here? */
bool fault_cuts(const struct fault_effect *e);
