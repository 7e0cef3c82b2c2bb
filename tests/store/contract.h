/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file contract.h
 *  A case of the contract: a body that is run on each back end, which is empty before. */
#pragma once

#include "tests/store/harness.h"

#define IMPI_1 "001010000000001@ims.mnc001.mcc001.3gppnetwork.org"
#define IMPI_2 "001010000000002@ims.mnc001.mcc001.3gppnetwork.org"

enum { MEM, LMDB, REDIS, SENTINEL, BACKENDS };
extern struct harness h;

void backend_open(int backend);
/*! Another process in the place of this one. */
void backend_again(int backend);
void backend_close(void);

#define CASE(name) \
	static void name##_body(int backend); \
	START_TEST(name) \
	{ \
		backend_open(_i); \
		name##_body(_i); \
		backend_close(); \
	} \
	END_TEST \
	static void name##_body(int backend)

/* Cases of tests/store/contract_*.c, for the first n back ends. */
void contract_life_add(TCase *tc, int n);
void contract_marks_add(TCase *tc, int n);
void contract_challenges_add(TCase *tc, int n);
void contract_threads_add(TCase *tc, int n);
