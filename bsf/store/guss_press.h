/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file guss_press.h
 *  A GUSS as it is kept, deflated with a preset dictionary: what all of them have in common takes no room. Any thread; each has a state
 *  of its own that goes with it.
 *
 *    dictionary 1 | octets of the whole 3 | deflated (RFC 1951) */
#pragma once

#include "bsf/store/gba_session.h"

/*! \returns octets; 0: it does not become smaller, or cannot be: keep it as it is */
size_t guss_press(uint8_t *out, size_t cap, struct span guss);

/*! Never more than the whole it promises, and never more than GUSS_COPY_MAX. \returns NULL and rc: -EBADMSG; -ENOMEM */
struct guss_blob *guss_unpress(struct span pressed, int *rc);
