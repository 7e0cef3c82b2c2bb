/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hss.h
 *  Whom we ask for vectors: what is written of an HSS, immutable, and beside it how it does, which all threads see and
 *  change. Each has holders; the last one frees. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HSS_PRIORITY 10 /* without a line of its own */
#define HSS_LOAD     10

/*! How it does. Outlives what is written of it, so that a changed line makes nobody forget. Any thread. */
struct hss_state {
	atomic_uint holders;
	_Atomic bool open;         /* requests may be sent to it; the Diameter node says so */
	_Atomic uint32_t silent;   /* time-outs since it last answered anything */
	_Atomic uint64_t trial_ms; /* while it is silent: from here on one request may try it again; CLOCK_MONOTONIC */
	_Atomic uint64_t busy_until_ms; /* it said that it is too busy; CLOCK_MONOTONIC; 0: it did not */
	_Atomic uint32_t busy_ms;       /* how long it is spared, doubled each time; 0: not */
	_Atomic uint64_t asked, answered, timed_out, lost, too_busy; /* since the start */
};

/*! One "hss NAME" node. The strings belong to it. */
struct hss {
	atomic_uint holders;
	const char *identity, *realm;
	const char *via;       /* peer over which it is reached: itself, or another */
	bool relayed;          /* over another */
	bool destination_host; /* requests name it, not its realm alone */
	uint32_t timeout_ms;
	uint32_t priority,
		load; /* the lowest number first; within it shares; load 0: only where another one sends us */
	uint32_t id;  /* of the name, for who must remember it: never 0 */
	struct hss_state *state;
};

/*! \returns new object with one holder; NULL no memory */
struct hss_state *hss_state_new(void);
void hss_state_put(struct hss_state *s); /* may be NULL */

/*! A copy of in, with holders of its own; in->state gets one more. \returns NULL no memory */
struct hss *hss_new(const struct hss *in);
struct hss *hss_get(struct hss *h);
void hss_put(struct hss *h); /* may be NULL */

/*! Number of a name, the same in upper and lower case; not 0. */
uint32_t hss_id(const char *identity);

#define HSS_SILENT 3 /* so many time-outs running, and it is asked last */

/*! Its connection came or went. One that is connected anew is as new. */
void hss_state_ready(struct hss_state *s, bool open);
/*! It answered, in time or late. \param[in] too_busy with DIAMETER_TOO_BUSY */
void hss_state_answered(struct hss_state *s, bool too_busy, uint64_t now_ms);
void hss_state_timed_out(struct hss_state *s, uint64_t now_ms);
/*! It is silent, and may be tried again now; whoever gets true is the one to do it. */
bool hss_state_try(struct hss_state *s, uint64_t now_ms);
