/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file mar_log.h
 *  The MARs that came last and how each ended, for who tests against this simulator: in memory, whole identities, no keys.
 *  Main thread. */
#pragma once

#include <jansson.h>
#include "common/gba/gba_time.h"
#include "common/gba/impi.h"
#include "common/gba/run_id.h"
#include "hss-sim/zh_server.h"

#define MAR_LOG_MAX 256

void mar_log_add(const struct zh_server_end *e);

struct mar_note {
	int64_t at_ms; /* Unix time */
	enum cause cause;
	struct result result;
	char run[RUN_ID_LEN + 1];    /* "" no vector was given */
	char fault[FAULT_NAMES_MAX]; /* "" none */
	char impi[IMPI_MAX + 1], peer[256];
};
/*! Call fn for each, the oldest first. \param[in] impi NULL: of all */
void mar_log_each(const char *impi, void (*fn)(void *owner, const struct mar_note *n), void *owner);

/*! `show mar` [IMPI]. */
void mar_log_vty_init(void);

/*! The same for the control socket. \returns a new array */
json_t *mar_log_json(const char *impi);
