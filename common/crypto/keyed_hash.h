/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file keyed_hash.h
 *  SipHash-2-4 (Aumasson, Bernstein 2012): whoever chooses the names must not be able to choose the slots of our tables. */
#pragma once

#include <stdint.h>
#include "common/base/bytes.h"

/*! \param[in] key 16 unpredictable octets, made once per table */
uint64_t keyed_hash(const uint64_t key[2], struct span s);
