/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file fault.h
 *  Fault switches for interop testers: what goes wrong on purpose, for whom, how often. Pure, main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/gba/impi.h"

#define FAULTS_MAX 256
#define FAULT_ALL  "all"

enum fault_kind { FAULT_DELAY, FAULT_NO_ANSWER, FAULT_RESULT };

struct fault {
	char who[IMPI_MAX + 1]; /* an IMPI, or "all" */
	enum fault_kind kind;
	uint32_t value; /* seconds, or a result code */
	unsigned times; /* left; 0: for ever */
};

struct faults {
	struct fault f[FAULTS_MAX];
	size_t n;
};

/*! Add, or replace what this who has of this sort (a delay; or an outcome, which is no answer or a result).
 *  \returns 0; -ENOSPC */
int fault_set(struct faults *t, const struct fault *f);

/*! Remove all of who. \returns how many */
size_t fault_clear(struct faults *t, const char *who);

/*! What happens to one request. */
struct fault_effect {
	uint32_t delay_s; /* 0: none */
	bool no_answer;
	uint32_t result; /* 0: the right one */
};

/*! Take what applies to this IMPI: a delay and an outcome, its own before those of all; a counted one is used up by one. */
struct fault_effect fault_take(struct faults *t, const char *impi);

/*! Result codes 29.109 defines live in Experimental-Result (2401-2409, 5401-5409). */
bool fault_result_experimental(uint32_t code);
