/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file counters.h
 *  One counter per cause, and a few gauges; C11 atomics, any thread. */
#pragma once

#include <stdint.h>
#include "common/gba/cause.h"

void counter_inc(enum cause c);
uint64_t counter_get(enum cause c);

/*! Call fn with each cause that this daemon can have, as told to counters_vty_init(). */
void counters_each(void (*fn)(void *into, const char *name, uint64_t n), void *into);

/*! "show counters": one line a cause that this daemon can have (where: "ub", "zh", "zn"... NULL ends the list). */
void counters_vty_init(const char *const *where);
