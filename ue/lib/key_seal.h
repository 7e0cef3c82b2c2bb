/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file key_seal.h
 *  Ks at rest: sealed under a key of its own file and of this power-up. A copy of the state alone opens nothing, and after a
 *  power-down nothing opens it (TS 33.220 4.4.11: Ks is deleted then); a process that was killed finds it again. */
#pragma once

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/base/secret.h"

struct key_seal;

/*! \param[in] path of the key's file: 64 hex digits, mode 0600; made if it is not there
 *  \returns new object; NULL and a reason in err */
struct key_seal *key_seal_new(const char *path, struct err *err);
void key_seal_free(struct key_seal *s);

#define KEY_SEAL_HEX 205 /* of a secret of at most SECRET_MAX octets, with NUL */

/*! \param[in] whose binds it: to what it is of \returns 0; -EIO */
int key_seal_put(struct key_seal *s, char hex[KEY_SEAL_HEX], const struct secret *key, struct span whose);

/*! \returns 0; -EBADMSG not sealed here, or before a power-down, or altered */
int key_seal_open(struct key_seal *s, struct secret *key, const char *hex, struct span whose);
