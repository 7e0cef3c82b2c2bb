/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file rng.h
 *  Unpredictable octets (OpenSSL's generator). */
#pragma once

#include <stddef.h>

/*! \returns 0; -EIO: the caller must not go on */
int rng_fill(void *out, size_t len);
