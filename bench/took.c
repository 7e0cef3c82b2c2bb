/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bench/took.h"

#include <stdio.h>
#include <stdlib.h>

static double *all;
static unsigned long room, n_all;

void took_init(unsigned long n)
{
	all = malloc(n * sizeof(*all));
	if (!all) {
		fprintf(stderr, "no memory for %lu durations\n", n);
		exit(2);
	}
	room = n;
}

void took_add(double s)
{
	if (n_all < room)
		all[n_all++] = s;
}

static int shorter(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double took_us(double share)
{
	if (!n_all)
		return 0;
	qsort(all, n_all, sizeof(*all), shorter);
	return all[(unsigned long)(share * (double)(n_all - 1))] * 1e6;
}

double took_until(double t0, unsigned long n, unsigned long rate, double now)
{
	double due = rate ? t0 + (double)n / (double)rate : 0;

	return due > now ? due - now : 0;
}
