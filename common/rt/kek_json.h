/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file kek_json.h
 *  KEKs as "show kek" tells them, the same in each daemon. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*! By number: does it seal, how many records are under it, may it go? One that is not configured but has records is there, too.
 *  \param[in] ids those that are configured, the first seals; n at least 1 \param[in] under records of each; NULL: not counted
 *  \param[in] whole what was counted is all there is, and nothing is put under another one than the first
 *  \returns new object */
json_t *kek_json(const uint8_t *ids, size_t n, const uint64_t under[256], bool whole);
