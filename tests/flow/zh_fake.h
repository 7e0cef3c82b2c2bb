/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zh_fake.h
 *  An HSS for flow tests: remembers what it was asked, answers what the test says, when the test says. */
#pragma once

#include <stdbool.h>
#include "bsf/vectors/zh_client.h"

struct zh_fake {
	struct zh_client client; /* first; zh_fake_init() */
	int refuse;              /* -errno of the next ask, or 0 */
	uint32_t timeout_ms;
	unsigned asked; /* requests so far */
	uint64_t txn;   /* of the last one */
	struct impi impi;
	const char *scheme;
	bool resync;
	int64_t guss_timestamp; /* 0: none was told */
	uint8_t rand[AKA_RAND_LEN], auts[AKA_AUTS_LEN];
};

void zh_fake_init(struct zh_fake *f);

/*! Vector number n: its RAND begins with n, the rest is that of vector V1.
 *  \param[in] guss_xml or NULL */
void zh_fake_vector(struct zh_result *out, uint8_t n, const char *guss_xml);
/*! An answer without a vector. */
void zh_fake_code(struct zh_result *out, uint32_t code, bool experimental);
void zh_fake_clear(struct zh_result *r);
