/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file took.h
 *  How long each operation of a load took, and when the next one is due where the load has a rate. */
#pragma once

/*! Room for n operations; no memory ends the program. */
void took_init(unsigned long n);
/*! Seconds; those beyond n are left out. */
void took_add(double s);
/*! \param[in] share 0.5: the median. \returns us; 0: there was none. Sorts, so call it when all is over. */
double took_us(double share);

/*! Seconds until operation number n (from 0) of a load with this rate, begun at t0, is due; 0: now. */
double took_until(double t0, unsigned long n, unsigned long rate, double now);
