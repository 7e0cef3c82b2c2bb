/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hss_pick.h
 *  Which HSS is asked next. Pure: no clock, no state, no chance but the one that is handed in. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*! One HSS as it is now. */
struct hss_seen {
	bool open;  /* requests may be sent to it */
	bool tried; /* in this run, whatever came of it */
	uint32_t priority, load;
	bool busy;   /* it said so a moment ago */
	bool silent; /* so many time-outs running that it is asked last */
	bool trial;  /* silent, but it is time to see whether it still is */
};

/*! What became of the question so far. */
enum hss_so_far {
	HSS_NOT_ASKED,  /* nothing yet */
	HSS_UNSENT,     /* it could not be sent: no connection after all, or too much waits for that one */
	HSS_LOST,       /* its connection went before the answer */
	HSS_TIMED_OUT,  /* no answer in the time this HSS has */
	HSS_ANSWERED,   /* whatever it said: an error, too, is what the HSS has to say of this user */
	HSS_REDIRECTED, /* it named another */
	HSS_SO_FARS,
};

struct hss_question {
	enum hss_so_far so_far;
	int wanted;       /* which one before all others: gave the vector of an AUTS, or was named; -1: none */
	bool wanted_only; /* it was named: nobody else will do */
	uint64_t left_ms; /* of the run */
	uint32_t draw;    /* random */
};

/*! In this order: the one that is wanted, if it is open; those that answer before those that are busy before those that are
 *  silent; the lowest priority; of equal ones each by its load. \param[in] n 0..any \returns index; -1: the question ends
 *  with what there is */
int hss_pick(const struct hss_seen *h, size_t n, const struct hss_question *q);
