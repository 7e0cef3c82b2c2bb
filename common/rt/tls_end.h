/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file tls_end.h
 *  The end of a certificate of ours, said before it comes: when it is used from now on, then as dia_cert_say_end() has it. Main thread. */
#pragma once

#include <osmocom/core/timer.h>
#include <stdint.h>
#include <time.h>
#include "common/gba/gba_time.h"

/*! The first three are the caller's, lent: how what is said begins, what comes of an end ("" or ", ..."), the file. Else zero */
struct tls_end {
	const char *of, *then, *path;
	time_t at;
	uint64_t said_ms; /* that it ends soon; 0: not of this one yet */
	struct osmo_timer_list look;
};

/*! A certificate is used from now on. \param[in] at its end, wall clock */
void tls_end_begin(struct tls_end *e, time_t at);
/*! Nothing is said any more. Not begun: nothing. */
void tls_end_stop(struct tls_end *e);
/*! Its date; "": there is none. */
void tls_end_text(char out[DATE_TIME_LEN + 1], const struct tls_end *e);
