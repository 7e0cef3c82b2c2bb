/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file log_cat.h
 *  Log categories of the daemons, and the macro every thread logs with. */
#pragma once

#include <stdbool.h>
#include <osmocom/core/logging.h>
#include "common/gba/cause.h"

enum { DUB, DZH, DZN, DSTORE, DNAF, DCFG, DRT, LOG_CAT_COUNT };
extern const struct log_info gba_log_info;

/*! Start the relay: any thread logs, the main thread writes. \returns 0; -errno */
int log_relay_init(void);
void log_relay_stop(void);

/*! Main thread, while it waits for something else than its loop: write what other threads have logged. */
void log_relay_run(void);

/*! Would a line of this level be written? One atomic load. */
bool log_relay_enabled(int cat, int level);

/*! Any thread; never blocks; over 8,192 waiting lines are counted and dropped, and the count is logged. No secret, IMPI masked. */
void log_relay(int cat, int level, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#define LOGT(cat, level, fmt, args...) \
	do { \
		if (log_relay_enabled(cat, level)) \
			log_relay(cat, level, __FILE__, __LINE__, fmt, ##args); \
	} while (0)

/*! Peer-caused errors: at most burst lines a minute and category, the rest counted. */
bool log_rate_ok(int cat);

/*! Set the levels threads see from what the VTY configured; main thread, after every change. */
void log_relay_refresh(void);
