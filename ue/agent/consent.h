/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file consent.h
 *  Ask the person, or whoever decides in his place: a program that ends with 0 says yes. Main thread, never waits. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct consent;

struct consent_ask {
	uid_t uid;
	pid_t pid;
	const char *naf, *realm;
};

/*! \param[in] done called once, later; not after consent_stop(). The object is freed behind it
 *  \returns NULL: the program cannot be run, and that is a no */
struct consent *consent_start(const char *program, const struct consent_ask *ask, int seconds,
			      void (*done)(void *owner, bool yes), void *owner);

/*! Give up: the program is ended. NULL is fine. */
void consent_stop(struct consent *c);
