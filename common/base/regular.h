/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file regular.h
 *  Files that somebody else has named, in a configuration or an order. Whoever opens a FIFO waits for its other side, and what is read
 *  from a device never ends. */
#pragma once

#include <stdio.h>
#include <sys/types.h>
#include "common/base/err.h"

/*! open(2) without waiting, of what is a regular file or, with O_CREAT, becomes one; O_CLOEXEC. A folder is none.
 *  \param[in] flags without O_TRUNC \returns descriptor; -EINVAL it is none; -errno. err: "PATH: reason" */
int regular_open(const char *path, int flags, mode_t mode, struct err *err);

/*! The same, to be read as a stream. \param[out] out the caller's \returns 0; as regular_open(); -ENOMEM */
int regular_fopen(FILE **out, const char *path, struct err *err);
