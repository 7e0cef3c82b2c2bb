/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file run_id.h
 *  Name of one bootstrapping run in the logs of UE, BSF, HSS and NAF: the first 8 hex digits of SHA-256(RAND).
 *  The RAND itself is half of the B-TID, so it stays out of the logs. */
#pragma once

#include <stdint.h>

#define RUN_ID_LEN 8

/*! \param[out] out  RUN_ID_LEN + 1 octets, NUL-terminated
 *  \param[in]  rand 16 octets */
void run_id(char out[RUN_ID_LEN + 1], const uint8_t rand[16]);
