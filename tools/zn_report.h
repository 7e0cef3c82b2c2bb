/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zn_report.h
 *  A BIA for people or as one JSON object, on standard output: keys by fingerprint, identities masked; nothing the other side
 *  sends steers the terminal. Every object has result, result_code (null: no answer), cause and run (the name of the
 *  bootstrapping run in the logs of device, BSF and HSS; null: the B-TID is none). */
#pragma once

#include "common/gba/zn_msg.h"

/*! \param[in] cause a word; \param[in] run of the B-TID, "" if it is none */
void zn_report(bool json, const struct zn_bia *bia, const char *cause, const char *run);

/*! No answer: the reason, as JSON on standard output or as a line on standard error. */
void zn_report_error(bool json, const char *cause, const char *run, const char *reason);
