/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zh_sent_on.h
 *  Dz, inside zh_flow: where an SLF sends a question, whom it may name, and for how long its word holds. */
#pragma once

#include "bsf/vectors/zh_run.h"

/* At one of those we were sent to. \returns 0; -errno why none of them can be asked: the best reason of any */
int zh_sent_on_aim(const struct zh_run *r, const struct policy *p, struct hss_seen *seen, struct zh_aim *aim);
/* Only to these from here on. \returns 0; -ENOMEM; -ELOOP too often */
int zh_sent_on_by(struct zh_run *r, const struct zh_answer *a);
/* Was it said before to whom this user belongs? Then who would be asked is not. */
bool zh_sent_on_before(struct zh_run *r, struct hss *would);
/* It does not hold (any more): anybody may be asked, and what was said is not kept. */
void zh_sent_on_void(struct zh_run *r);
/* It was followed: said, and kept as long as it holds. a NULL: it was kept before */
void zh_sent_on_done(struct zh_run *r, const struct zh_answer *a);
void zh_sent_on_clear(struct zh_run *r);
