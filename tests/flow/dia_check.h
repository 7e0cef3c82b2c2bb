/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file dia_check.h
 *  What the tests of a whole Diameter node share; what fails ends the process. */
#pragma once

#include <semaphore.h>
#include <stdint.h>
#include <sys/socket.h>

#define WAIT_S 10

/*! Says so and ends this process with 1, without cleaning up. */
void fail(const char *what) __attribute__((noreturn));

#define CHECK(cond) \
	do { \
		if (!(cond)) \
			fail(#cond); \
	} while (0)

/*! \returns 0; -1: not posted within that time */
int wait_sem(sem_t *s, unsigned seconds);

/*! \param[in] addr an address of 127/8 */
struct sockaddr_storage loopback(const char *addr, uint16_t port);

/*! A TCP port of 127.0.0.1 nobody had a moment ago. */
uint16_t free_port(void);
