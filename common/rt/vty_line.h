/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file vty_line.h
 *  A line somebody typed: refused when it is no VTY's, explained when it is wrong, logged when it changes something, and the
 *  configuration is looked at as a whole when a node is left. */
#pragma once

#include <stdbool.h>
#include "common/base/err.h"

/*! check: looks at the whole configuration as a start does; 0 or -errno and err */
void vty_line_init(int (*check)(struct err *err));

/*! Does the library hand us its lines? A build of it that binds its own symbols would not, and nothing would be logged. */
bool vty_line_works(void);
