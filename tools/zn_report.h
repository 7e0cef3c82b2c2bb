/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zn_report.h
 *  A BIA for people or as one JSON object, on standard output: keys by fingerprint, identities masked. */
#pragma once

#include "common/gba/zn_msg.h"

void zn_report(bool json, const struct zn_bia *bia);

/*! No answer: the reason, as JSON on standard output or as a line on standard error. */
void zn_report_error(bool json, const char *reason);
