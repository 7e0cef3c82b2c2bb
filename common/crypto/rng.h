/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file rng.h
 *  Unpredictable octets, from the kernel: OpenSSL's generator has locks, and a child after fork() may find them held. */
#pragma once

#include <stddef.h>

/*! \returns 0; -EIO: the caller must not go on */
int rng_fill(void *out, size_t len);
