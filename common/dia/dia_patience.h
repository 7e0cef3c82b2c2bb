/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_patience.h
 *  Stopping freeDiameter 1.2.1 on a busy machine. Its fd_fifo_del() gives the threads that wait in a queue 20 times
 *  usleep(1000) to leave and aborts the process when one is slower (seen: 4 of 40 stops beside six busy processes). */
#pragma once

/*! Call before fd_core_shutdown(). In a program those pauses become longer from now on. Where that cannot be had (a shared
 *  library in somebody else's program) the routing threads are told to end and given their second: 1.3 s. */
void dia_patience(void);
