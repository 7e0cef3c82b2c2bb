/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file history.h
 *  Why it failed, for an operator who is asked: the last runs of a subscriber, the last failure by cause and by device, and
 *  whom to follow closely for a while. One object per process, of fixed size, in memory only. It holds no IMPI: who asks names
 *  the subscriber. Subscribers and devices that were not seen for the longest time are forgotten first. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bsf/store/gba_session.h"
#include "common/gba/cause.h"

#define UB_HISTORY_RUNS    16 /* of a subscriber */
#define UB_HISTORY_DEVICES 64
#define UB_HISTORY_DEVICE  23  /* characters of a device's token; more are cut */
#define UB_HISTORY_HSS     255 /* characters */
#define UB_HISTORY_TRACES  8   /* subscribers at a time */

struct ub_history;

/*! \returns new object (ub_history_free()), or NULL: no memory, no random numbers. About 8 MiB */
struct ub_history *ub_history_new(void);
void ub_history_free(struct ub_history *h);

/*! How a run, or the half of one that a request is, has ended. Texts are lent. */
struct ub_note {
	int64_t at_s;        /* Unix seconds */
	const uint8_t *rand; /* 16 octets: of the challenge; NULL: there was none yet */
	const char *step;    /* where; a literal */
	enum cause cause;
	enum gba_variant variant; /* 0: not known */
	struct span agent;        /* User-Agent; its first product is the device's token */
	const char *hss;          /* "" none was heard */
	const char *impi;         /* "" not known: nothing is kept under a subscriber */
};

/*! What was challenged before under the same RAND is the same run, and is replaced. */
void ub_history_add(struct ub_history *h, const struct ub_note *n);

/*! One run, as it is told. */
struct ub_past {
	int64_t at_s;
	bool has_rand;
	uint8_t rand[AKA_RAND_LEN];
	const char *step;
	enum cause cause;
	enum gba_variant variant;
	char device[UB_HISTORY_DEVICE + 1]; /* harmless text, "-" none */
	char hss[UB_HISTORY_HSS + 1];       /* "-" none was heard, or too many names were */
};

/*! \param[out] out newest first. \returns how many */
size_t ub_history_of(struct ub_history *h, const char *impi, struct ub_past out[UB_HISTORY_RUNS]);

/*! The last run that ended so. \param[out] sub pseudonym of the subscriber, "-" not known
 *  \returns false: none since the start */
bool ub_history_cause(struct ub_history *h, enum cause cause, struct ub_past *out, char sub[13]);

struct ub_device {
	char device[UB_HISTORY_DEVICE + 1];
	uint64_t requests, failures;
	struct ub_past last; /* failure; valid if failures */
};

/*! \param[out] out in no order. \returns how many */
size_t ub_history_devices(struct ub_history *h, struct ub_device out[UB_HISTORY_DEVICES]);

/*! Follow this subscriber, from the next request on. \param[in] for_s 0: no longer. \returns 0; -ENOSPC so many are followed */
int ub_history_trace(struct ub_history *h, const char *impi, uint32_t for_s);
/*! One atomic load where nobody is followed. */
bool ub_history_traced(struct ub_history *h, const char *impi);
