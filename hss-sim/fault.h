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

enum fault_kind {
	FAULT_DELAY,
	FAULT_NO_ANSWER,
	FAULT_RESULT,
	FAULT_WRONG_MAC,   /* the last bit of MAC in AUTN turned: the card refuses */
	FAULT_STALE_SQN,   /* SQN 0: the card answers with AUTS */
	FAULT_XRES_LENGTH, /* XRES cut, or filled up with zeros */
	FAULT_NO_GUSS,     /* left out, whatever was asked for */
	FAULT_KINDS,
};

struct fault {
	char who[IMPI_MAX + 1]; /* an IMPI, or "all" */
	enum fault_kind kind;
	uint32_t value; /* seconds, a result code, or octets of XRES */
	unsigned times; /* left; 0: for ever */
};

struct faults {
	struct fault f[FAULTS_MAX];
	size_t n;
};

#define FAULT_XRES_MAX 64

/*! As the VTY and the log have it. \returns static */
const char *fault_name(enum fault_kind kind);

/*! Does it have a value? */
bool fault_has_value(enum fault_kind kind);

/*! Add, or replace what this who has of this sort (a delay; an outcome, which is no answer or a result; what is wrong with the
 *  vector; no GUSS).
 *  \returns 0; -ENOSPC */
int fault_set(struct faults *t, const struct fault *f);

/*! Remove all of who. \returns how many */
size_t fault_clear(struct faults *t, const char *who);

/*! What happens to one request. */
struct fault_effect {
	uint32_t delay_s; /* 0: none */
	bool no_answer;
	uint32_t result;        /* 0: the right one */
	enum fault_kind vector; /* FAULT_WRONG_MAC, _STALE_SQN, _XRES_LENGTH; else it is right */
	uint32_t xres_len;      /* of FAULT_XRES_LENGTH */
	bool no_guss;
};

/*! Take what applies to this IMPI, one of each sort, its own before those of all; a counted one is used up by one. */
struct fault_effect fault_take(struct faults *t, const char *impi);

/*! The word for the log: what had the greatest effect. \returns static; NULL: nothing had any */
const char *fault_effect_name(const struct fault_effect *e);

/*! Result codes 29.109 defines live in Experimental-Result (2401-2409, 5401-5409). */
bool fault_result_experimental(uint32_t code);
