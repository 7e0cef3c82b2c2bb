/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file cause.h
 *  Every event that ends or refuses something has one name, used by log line, counter, test and manual. The table is
 *  common/gba/causes.csv; cause_list.h is made from it at build time. */
#pragma once

#include <stddef.h>

enum cause {
#define CAUSE(name, where) CAUSE_##name,
#include "common/gba/cause_list.h"
#undef CAUSE
	CAUSE_COUNT
};

/*! \returns "ub_ok"... ; "?" out of range */
const char *cause_name(enum cause c);
const char *cause_where(enum cause c);
