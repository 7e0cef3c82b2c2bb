/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file fault.h
 *  The behaviours for interop testers: what goes wrong on purpose, for whom, how often, how long. One table; what each does is in
 *  fault_act.h. Pure, main thread; time is an argument, milliseconds of the monotonic clock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/base/err.h"
#include "common/gba/impi.h"

#define FAULTS_MAX      256
#define FAULT_ALL       "all"
#define FAULT_TEXT_MAX  511 /* characters of a name, or of four */
#define FAULT_TIMES_MAX 1000000
#define FAULT_S_MAX     1000000
#define FAULT_XRES_MAX  64

enum fault_kind {
	FAULT_DELAY,
	FAULT_NO_ANSWER,
	FAULT_RESULT,
	FAULT_BUSY,
	FAULT_REDIRECT,
	FAULT_DISCONNECT_BEFORE,
	FAULT_WRONG_MAC,
	FAULT_STALE_SQN,
	FAULT_XRES_LENGTH,
	FAULT_NO_GUSS,
	FAULT_OLD_TIMESTAMP,
	FAULT_ORIGIN_HOST,
	FAULT_MALFORMED,
	FAULT_EXTRA_AVPS,
	FAULT_MANDATORY_AVP,
	FAULT_DUPLICATE,
	FAULT_DISCONNECT_AFTER,
	FAULT_KINDS,
};

/*! One of each sort can meet the others. */
enum fault_sort {
	FAULT_SORT_DELAY,
	FAULT_SORT_OUTCOME, /* in the place of an answer of our own */
	FAULT_SORT_VECTOR,
	FAULT_SORT_GUSS,
	FAULT_SORT_FORM, /* of the octets of an answer with a vector; the next ones of any answer */
	FAULT_SORT_ORIGIN,
	FAULT_SORT_AVPS,
	FAULT_SORT_COPIES,
	FAULT_SORT_END,
	FAULT_SORTS,
};

enum fault_value {
	FAULT_VALUE_NONE,
	FAULT_VALUE_NUMBER, /* min to max */
	FAULT_VALUE_WORD,   /* its number in words */
	FAULT_VALUE_HOST,   /* a DNS name */
	FAULT_VALUE_HOSTS,  /* up to four, commas between them */
};

/*! A row of the table. */
struct fault_about {
	const char *name;
	enum fault_sort sort;
	enum fault_value value;
	uint32_t min, max;
	const char *const *words;      /* NULL ends */
	const char *help, *value_help; /* for people; value_help of each word, line ends between them */
};
const struct fault_about *fault_about(enum fault_kind kind);

struct fault {
	char who[IMPI_MAX + 1]; /* an IMPI, or "all" */
	enum fault_kind kind;
	uint32_t value;
	char text[FAULT_TEXT_MAX + 1];
	unsigned times;   /* left; 0: for ever */
	uint32_t seconds; /* from when its turn comes; 0: for ever */
	bool begun;
	uint64_t begun_ms;
};

/*! Those of one who and sort take turns: the first until it is used up or its time is over, then the next. */
struct faults {
	struct fault f[FAULTS_MAX];
	size_t n;
	uint64_t done[FAULT_KINDS]; /* so often since the start */
};

/*! As VTY, scenario and log have it. \returns -ENOENT */
int fault_find_kind(const char *name);

/*! Read the value of a behaviour. \param[in] text NULL: none is given
 *  \returns 0; -EINVAL, err: what is wrong; allowed: ... */
int fault_value_set(struct fault *f, const char *text, struct err *err);
/*! The same back. \returns "" none */
const char *fault_value_text(const struct fault *f, char buf[16]);

/*! In the place of what this who has of this sort. \returns 0; -ENOSPC, nothing has changed */
int fault_set(struct faults *t, const struct fault *f, uint64_t now_ms);

/*! Behind what this who has of this sort. \returns 0; -ENOSPC; -ELOOP: what is before it never ends */
int fault_add(struct faults *t, const struct fault *f, uint64_t now_ms);

/*! Remove all of who; NULL: all there are. \returns how many */
size_t fault_clear(struct faults *t, const char *who);

/*! Remove those whose time is over. */
void fault_expire(struct faults *t, uint64_t now_ms);
/*! Of one with seconds: how many are left, 1 at least. */
uint32_t fault_seconds_left(const struct fault *f, uint64_t now_ms);

/*! One that applies to a request. */
struct fault_part {
	bool there;
	enum fault_kind kind;
	uint32_t value;
};

/*! What happens to one request. */
struct fault_effect {
	struct fault_part of[FAULT_SORTS];
	char hosts[FAULT_TEXT_MAX + 1]; /* of FAULT_REDIRECT */
	char origin[256];               /* of FAULT_ORIGIN_HOST */
};

/*! Take what applies to this IMPI, one of each sort, its own before those of all; a counted one is used up by one. What cannot
 *  be done to the answer that an outcome makes waits for the next request. */
void fault_take(struct fault_effect *out, struct faults *t, const char *impi, uint64_t now_ms);

bool fault_is(const struct fault_effect *e, enum fault_kind kind);

#define FAULT_NAMES_MAX 64
/*! The words for the log: all that apply, "+" between them, cut. \returns buf; NULL: none */
const char *fault_effect_names(const struct fault_effect *e, char buf[FAULT_NAMES_MAX]);
