/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file spoil.h
 *  data.mdb of the store in dir, page by page, and what may happen to it. */
#pragma once

#include "tests/store/disk.h"

enum { N = 300, PAGE = 4096 }; /* sessions in it, octets of a page */

extern char data[300]; /* its path */

int data_open(void);
void data_spoil(void (*spoil)(int fd));
unsigned pages_of(int fd);
void page_read(int fd, unsigned page, uint8_t p[PAGE]);

struct damage {
	const char *name;
	void (*spoil)(int fd);
	int lost; /* at most so many sessions; -1: refused */
	const char *word;
};
enum { DAMAGES = 22 };
extern const struct damage damages[DAMAGES];

/* Of them, those that may also happen to a store that is open. */
void cut_half(int fd);
void leaf_zero(int fd);
void leaf_ones(int fd);
void leaf_random(int fd);
void body_zero(int fd);
