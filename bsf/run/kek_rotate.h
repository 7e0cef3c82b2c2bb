/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file kek_rotate.h
 *  "kek rotate": whatever another KEK than the first has sealed is sealed anew by the first, in small steps beside all else, then all
 *  is counted: only when nothing is under another one any more is the operator told that it may go. Where it got to is kept in the store,
 *  so that it goes on after a start. Another Redis server than the one that was proven is proven again, as long as this process runs.
 *  All on the main thread, with an access to the store of its own. */
#pragma once

#include <jansson.h>
#include "bsf/store/store.h"

/*! Goes on with what was begun. \param[in] sh lent, until kek_rotate_end() */
void kek_rotate_init(struct store_shared *sh);
void kek_rotate_end(void);

/*! \returns 0: it is under way, or was; -ENOTSUP nothing is sealed; -EBUSY no memory or descriptors */
int kek_rotate_begin(void);

/*! How it is. \returns new object */
json_t *kek_rotate_json(void);
