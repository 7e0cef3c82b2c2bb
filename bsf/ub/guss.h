/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file guss.h
 *  The GUSS of a run: the one that is kept, whose timestamp the HSS is told, or what its answer brought. */
#pragma once

#include "bsf/ub/flow.h"

/*! The store has one of this subscriber: the run keeps a reference, if it says all a run has to know. */
void ub_guss_take(struct ub_run *run, struct guss_blob *kept);
void ub_guss_forget(struct ub_run *run);

/*! The one that the answer is about, and run->guss_said; what somebody has to mend in it is counted and logged at the usual level.
 *  \param[out] guss what is kept of it, an owned reference; NULL: none. \returns CAUSE_ub_challenged or why it cannot be used */
enum cause ub_guss_weigh(struct ub_run *run, const struct zh_result *z, struct guss_memo *memo, enum guss_bad_uss rule,
			 struct guss_facts *facts, struct guss_blob **guss);
/*! The life that it asks for was brought into what the operator allows. \param[in] guss_s as written */
void ub_guss_tell_clamped(const struct gba_challenge *c, int64_t guss_s);
