/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file example_log.h
 *  The log of the example: one line at a time on standard error, as text or as JSON. */
#pragma once

#include <stdbool.h>

/*! name, value pairs up to NULL; empty values are left out. */
void example_log(bool json, const char *event, ...);
