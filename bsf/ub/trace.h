/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file trace.h
 *  Every step of a subscriber who is followed (`trace IMPI SECONDS`), as lines "trace key=value" at level notice. No key, no
 *  TMPI, and the IMPI by its pseudonym; what the device chose is quoted. */
#pragma once

#include "bsf/ub/flow.h"

/*! It is known whose run this is: what came, if he is followed. */
void ub_trace_request(const struct ub_run *run);
/*! \param[in] name of the step that begins */
void ub_trace_step(const struct ub_run *run, const char *name);
/*! What the HSS said. */
void ub_trace_hss(const struct ub_run *run);
/*! The answer is made. */
void ub_trace_end(const struct ub_run *run);
