/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file fd_parser.h
 *  freeDiameter's codec, to compare ours with: dictionary and parser, no network. */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "tests/unit/dia_octets.h"

/*! Once in a process. \returns 0; -EINVAL */
int fd_parser_init(void);
/*! Parse, dictionary included; the message must be acceptable to the library. */
struct msg *fd_parser_msg(const struct octets *o);
void fd_parser_octets(struct octets *o, struct msg *m);
