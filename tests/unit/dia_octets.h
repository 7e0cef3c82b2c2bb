/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file dia_octets.h
 *  Diameter messages as octets, edited AVP by AVP: what a peer may send, also what no encoder would make. */
#pragma once

#include "common/base/bytes.h"

#define OCTETS_MAX 70000

struct octets {
	size_t len;
	uint8_t b[OCTETS_MAX]; /* a message, or 20 octets of nothing and the inside of a grouped AVP */
};

/*! Read tests/vectors/dia/NAME.hex. */
void octets_load(struct octets *o, const char *name);
/*! Offset of the n-th (from 0) AVP of this code; 0: none. size: with padding */
size_t octets_find(const struct octets *o, uint32_t code, unsigned n, size_t *size);
/*! Data of an AVP; fails the test if it is not there. */
struct span octets_data(const struct octets *o, uint32_t code, unsigned n);
void octets_drop(struct octets *o, uint32_t code);
void octets_twice(struct octets *o, uint32_t code);
/*! vendor 0: no V flag */
void octets_add(struct octets *o, uint32_t code, uint8_t flags, uint32_t vendor, const void *data, size_t len);
/*! Other data for the first AVP of this code; flags and vendor stay. */
void octets_set(struct octets *o, uint32_t code, const void *data, size_t len);
/*! Flags of the first AVP of this code. */
uint8_t *octets_flags(struct octets *o, uint32_t code);
/*! The inside of the first grouped AVP of this code, editable by the functions above, and back. */
void octets_open(struct octets *inside, const struct octets *o, uint32_t code);
void octets_close(struct octets *o, uint32_t code, const struct octets *inside);
