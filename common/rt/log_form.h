/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file log_form.h
 *  How a line looks, alike on standard error, in files and in the VTY: "2026-03-01T10:00:00.123+01:00 NOTICE DUB text".
 *  To the journal, which has its own time and levels: "<5>DUB text" (sd-daemon(3)). Main thread. */
#pragma once

#include <stdbool.h>
#include <time.h>

/*! Give the form to every target that has none yet; the VTY makes targets while we run. */
void log_form_adopt(void);

/*! The instant of the next line, where it was not written by the thread it is of. */
void log_form_at(const struct timespec *at);

/*! Is standard error the journal ($JOURNAL_STREAM)? */
bool log_form_journal(void);
