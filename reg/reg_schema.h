/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_schema.h
 *  The tables of the registry, as steps from one version to the next: a new database takes all of them, an older one those it
 *  lacks. */
#pragma once

#include "common/rt/sql.h"

/*! Within a transaction of the caller: to the newest version.
 *  \returns 0; -ENOTSUP it is newer than this program; -EIO; -ENOSPC */
int reg_schema_raise(sqlite3 *sql);

/*! \returns 1: reg_schema_raise() has something to do; 0; -ENOTSUP it is newer than this program; -EIO */
int reg_schema_differs(sqlite3 *sql);
