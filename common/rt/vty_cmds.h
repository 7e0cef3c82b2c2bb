/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file vty_cmds.h
 *  Which commands of libosmovty are offered, and which are ours instead. */
#pragma once

#include "common/base/err.h"

/*! After vty_init(), before the file is read: install logging commands with our categories alone, take away what has no
 *  place here, put our `write file` in the place of the library's.
 *  \param[in] check  what `write file` wants to be true: that the configuration would start again */
void vty_cmds_init(int (*check)(struct err *err));
