/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file tls_certs.h
 *  Our certificates while they are used, whichever library has them: `tls reload` and SIGHUP read their files again, `show tls` names
 *  them, and that one ends is said before it does, as dia_cert_say_end() has it. Main thread. */
#pragma once

#include <osmocom/core/timer.h>
#include <stdint.h>
#include <time.h>
#include "common/base/err.h"

/*! Up to owner the user's, lent; else zero. */
struct tls_cert {
	const char *of, *then;              /* how what is said begins; what comes of an end: "" or ", ..." */
	const char *certificate, *key, *ca; /* files; ca NULL: none */
	/*! Read the files, use what is in them from now on and say so by tls_certs_use(). \returns 0; -errno and why in err: the former stays */
	int (*reload)(void *owner, struct err *err);
	void *owner;
	struct tls_cert *next;
	time_t at;
	uint64_t said_ms; /* that it ends soon; 0: not of this one yet */
	struct osmo_timer_list look;
};

/*! The commands, and SIGHUP; more than once is once. */
void tls_certs_init(void);

/*! A certificate is used from now on, one more or in the place of the former. \param[in] at its end, wall clock */
void tls_certs_use(struct tls_cert *c, time_t at);
/*! It is used no more. Not begun: nothing. */
void tls_certs_drop(struct tls_cert *c);
