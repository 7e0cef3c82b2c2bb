/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file report.h
 *  What gba-ue tells its user, as text or as one JSON object; keys only by fingerprint, identities masked. */
#pragma once

#include <stdbool.h>
#include "ue/ua_client.h"

void report_bootstrap(bool json, const struct key_store *k);
void report_status(bool json, const struct key_store *k);
void report_get(bool json, const char *url, const struct key_store *k, const struct ua_result *r);
void report_error(bool json, enum ue_exit code, const char *reason);
