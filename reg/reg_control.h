/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_control.h
 *  What gba-regd can be told on its control socket. Main thread. */
#pragma once

#include "common/rt/ctl.h"
#include "reg/reg_work.h"

extern const struct ctl_command reg_commands[];

void reg_figures(json_t *into);

/*! \param[in] answers inbox of the main thread, which outlives the two */
void reg_control_init(struct reg_work *writer, struct reg_work *reader, struct inbox *answers);
