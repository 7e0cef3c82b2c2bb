/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file report.h
 *  What gba-ue tells its user, as text or as one JSON object; keys only by fingerprint, identities masked, and nothing a
 *  server sends steers the terminal. Every object has result, cause (ue_cause.h), status (HTTP, of the last answer; null: none
 *  came) and run (the name of the run in the logs of the network; null: there was none). */
#pragma once

#include <stdbool.h>
#include <jansson.h>
#include "ue/tool/discovery.h"
#include "ue/tool/ua_client.h"

/*! \param[in] t     NULL: it is the agent's \param[in] key then: what came of it; else NULL
 *  \param[in] trail of what was asked now; a run that made the key before is named where it has none */
void report_token(bool json, const char *result, const struct gba_ue_token *t, const struct gba_ue_key *key,
		  const struct ue_trail *trail);

/*! \param[in] cause of the status
 *  \param[in] with_body the page as well: on stdout, or in the object if it is UTF-8 */
void report_get(bool json, const char *url, const struct gba_ue_token *t, const struct ue_trail *trail,
		const struct ua_result *r, enum ue_cause cause, bool with_body);

/*! The key itself, because that is what was asked for. */
void report_key(bool json, const struct gba_ue_key *key, const struct ue_trail *trail);

/*! \param[in] apps of apps_parse(); lent */
void report_apps(bool json, const char *url, const struct gba_ue_token *t, const struct ue_trail *trail, json_t *apps);

/*! What there is and what is missing. \param[in] written file of a configuration; NULL: none was made */
void report_discovery(bool json, const char *url, const struct discovery *d, const char *written,
		      const struct ue_trail *trail);

/*! \param[in] trail NULL: nothing was sent */
void report_error(bool json, enum ue_cause cause, const struct ue_trail *trail, const char *reason);
