/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file vuicc_state.h
 *  The card between two starts: its configuration and the file with what it must not forget. */
#pragma once

#include "ue/card/sim_cfg.h"
#include "ue/vuicc/vuicc.h"

/*! A card as it comes from the factory. \returns 0; -EINVAL and what is missing, with path in front */
int vuicc_state_new(struct vuicc *u, const struct sim_cfg *cfg, const char *path, struct err *err);

/*! Read what an earlier start has left; nothing there: a new card. \returns 0; -EBADMSG; -errno */
int vuicc_state_load(struct vuicc *u, const char *path, struct err *err);

/*! Write it so that no end of this process loses it; against a loss of power state_file_sync() must follow.
 *  \returns 0; -errno */
int vuicc_state_save(const struct vuicc *u, const char *path, struct err *err);
