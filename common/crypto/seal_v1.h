/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file seal_v1.h
 *  Records of the former version, which are only opened: AES-256-GCM under HKDF-SHA-256(KEK, salt, "gba record v1"), one random
 *  salt per process start, the GCM nonce is a counter. A KEK in a token made the sealing key by HMAC-SHA-256(KEK, salt,
 *  "gba record v1") instead, so it has to be asked for each start that has sealed.
 *  Layout: version 1 | KEK id 1 | salt 12 | counter 8 | ciphertext | tag 16. For seal.h alone. */
#pragma once

#include "common/crypto/seal.h"

#define SEAL_V1          1
#define SEAL_V1_OVERHEAD SEAL_OVERHEAD_MAX

/* Of KEKs in tokens: in place before other threads come. By their salts, which are random. */
struct seal_v1 {
	struct seal_v1_learnt *learnt;
	size_t n, room;  /* a quarter is free; room is 0 or a power of two */
	unsigned serial; /* tells objects apart in the thread caches, also after free and malloc */
};

void seal_v1_init(struct seal_v1 *v);
void seal_v1_end(struct seal_v1 *v);

/*! \param[in] kek that its head names \returns 0, also if it is no record of a KEK in a token; as seal_learn() */
int seal_v1_learn(struct seal_v1 *v, const struct seal_kek *kek, struct span sealed, struct err *err);

/*! \param[in] sealed at least SEAL_V1_OVERHEAD octets \param[out] out that many less
 *  \returns 0; -EBADMSG; -ENOKEY it was not learnt; -EIO */
int seal_v1_open(const struct seal_v1 *v, uint8_t *out, const struct seal_kek *kek, struct span sealed,
		 struct span aad);
