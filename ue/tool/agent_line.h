/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file agent_line.h
 *  A line to gba-ued and its answer, as they are, for a shell. */
#pragma once

#include "common/base/err.h"
#include "ue/lib/ue_cause.h"

/*! Prints the answer, one line of JSON; of "watch" line after line until the agent ends.
 *  \param[in] wait_s for the agent to take it, and for its first line \param[out] cause the one in it
 *  \returns 0; -EIO no agent, or it broke off, and the reason; -ETIMEDOUT */
int agent_line(const char *path, int wait_s, char *const *words, int n, enum ue_cause *cause, struct err *err);
