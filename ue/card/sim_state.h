/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file sim_state.h
 *  What a soft card must not forget, as lines of text: the 32 accepted numbers one a line, then, where there is a Ks of GBA_U,
 *  `ks`, `rand`, `btid`, `lifetime`. Pure. */
#pragma once

#include "ue/card/sim.h"

#define SIM_STATE_MAX 2048 /* octets of the lines of one application at most */

void sim_state_put(struct writer *w, const struct sim *s);

/*! \param[in,out] p after the last line that is of this application
 *  \returns 0; -EBADMSG, s may be half written */
int sim_state_get(struct sim *s, const char **p);
