/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file keccak.h
 *  The permutation Keccak-f[1600] (FIPS 202 3.3, 3.4) by itself. TUAK applies it to a state of its own (TS 35.231 6), key
 *  and padding included; OpenSSL has it only inside its sponges, which begin with a state of zeros whose capacity part no
 *  caller can fill, so it cannot be borrowed from there. */
#pragma once

#include <stdint.h>

#define KECCAK_LEN 200 /* octets of the state */

/*! Permute in place; lane x, y is 8 octets at 8 * (x + 5 * y), the least significant first. Constant time, wipes what it
 *  used. */
void keccak_f1600(uint8_t state[KECCAK_LEN]);
