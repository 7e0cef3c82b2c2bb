/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file dia_input.h
 *  An input as a Diameter message, with the steps it has behind it when a node hands it to a decoder. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct msg;

/*! Call request() or answer() with the message, which it frees; neither if the guard or the library refuses the input. */
void dia_input(const uint8_t *data, size_t size, void (*request)(struct msg *), void (*answer)(struct msg *));
