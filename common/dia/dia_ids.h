/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_ids.h
 *  End-to-End ids (RFC 6733 3): one counter for all nodes and threads of a process, from 32 random bits on. Over processes
 *  uniqueness in 32 bits is chance; that is what Session-Ids are for. */
#pragma once

#include <stdint.h>

/*! Begin at a random number, if nobody has yet. \returns 0; -EIO */
int dia_ids_init(void);
/*! Begin anew: in a child after fork(), which else goes on as its parent does. \returns 0; -EIO */
int dia_ids_renew(void);
/*! Any thread. */
uint32_t dia_ids_next(void);
