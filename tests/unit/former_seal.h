/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file former_seal.h
 *  Records as a former release sealed them (common/crypto/seal_v1.h), which nothing but tests writes any more. */
#pragma once

#include "common/crypto/seal.h"

/*! \param[in] start which of its starts, each with a salt of its own \param[out] out plain.len + SEAL_OVERHEAD_MAX octets
 *  \returns that many */
size_t former_seal(uint8_t *out, const struct seal_kek *kek, uint32_t start, uint64_t counter, struct span plain,
		   struct span aad);

/*! The same as sealed by s, as the former release would have it. \returns octets */
size_t former_seal_again(uint8_t *out, size_t cap, struct seal *s, const struct seal_kek *kek, struct span sealed,
			 struct span aad);
