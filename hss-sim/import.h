/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file import.h
 *  `gba-hss-simd -c FILE --import FILE.csv`: all of it or nothing. */
#pragma once

#include "common/base/err.h"
#include "hss-sim/subscriber_db.h"

/*! Progress and result go to stderr.
 *  \param[in] path the CSV; paths in its column guss are relative to its folder
 *  \returns 0; -errno and "FILE:LINE:CHARACTER: ..." in err, nothing changed */
int import_csv(struct subscriber_db *db, const char *path, struct err *err);
