/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file clock.h
 *  The monotonic clock, for what is ours: deadlines, limits, waiting. What the wire says (expiry, creation) is wall clock. */
#pragma once

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/*! \returns ms of CLOCK_MONOTONIC */
uint64_t clock_mono_ms(void);
/*! \returns us of it */
uint64_t clock_mono_us(void);

/*! \returns ms of CLOCK_REALTIME since 1970, for what follows the wall clock by its nature (33.102 C.1.1) */
uint64_t clock_wall_ms(void);

/*! \returns the instant ms from now on CLOCK_MONOTONIC, for sem_clockwait() and condition variables on that clock */
struct timespec clock_mono_after(uint64_t ms);
/*! sem_wait() for at most ms on CLOCK_MONOTONIC. \returns false: not posted in that time */
bool clock_sem_wait(sem_t *s, uint64_t ms);
