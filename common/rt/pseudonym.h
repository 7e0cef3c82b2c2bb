/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file pseudonym.h
 *  One word per subscriber for the log: HMAC-SHA-256 of the IMPI, domain in lower case, under a key that is made from the KEK.
 *  The same subscriber has the same word as long as this KEK is the first one; who has the log alone cannot try all IMSIs.
 *  The operator asks the daemon with `show pseudonym IMPI`. */
#pragma once

#include "common/base/secret.h"

#define PSEUDONYM_LEN 12 /* hex digits: two of a million subscribers share a word once in 500 times */

/*! Main thread, before others log. \param[in] kek lent; NULL (nothing is sealed): a random key, words last until the end
 *  of the process. \returns 0; -EIO */
int pseudonym_init(const struct secret *kek);

/*! Any thread. \param[out] out PSEUDONYM_LEN + 1 octets; "-" before pseudonym_init() */
void pseudonym(char *out, const char *impi);

/*! Add `show pseudonym IMPI` to the VTY. */
void pseudonym_vty_init(void);
