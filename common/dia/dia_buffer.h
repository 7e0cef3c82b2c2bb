/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_buffer.h
 *  The buffers of streams: wiped, and together within a budget of the process. Over it who asks us gets none that is large:
 *  who lets answers pile up loses them, all others do not notice. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIA_BUFFER_SMALL  16384 /* a buffer up to this is not counted */
#define DIA_BUFFER_BUDGET (64u << 20)

/*! Octets of all together, from here on; DIA_BUFFER_BUDGET by default. */
void dia_buffer_budget(size_t octets);

/*! Room for want octets, of which the first used are kept. \param[in,out] p, room NULL and 0 at first
 *  \param[in] bounded the budget holds for it. \returns false: no memory, or none for this one; all is as it was */
bool dia_buffer_grow(uint8_t **p, size_t *room, size_t used, size_t want, bool bounded);
/*! It holds keys (BIA, MAA): all of it is wiped, as what was moved to the front has left its end behind. */
void dia_buffer_free(uint8_t **p, size_t *room);
