/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file way.h
 *  A back end in front of another that answers at once: it answers later, when it is told to, or otherwise than it should. */
#pragma once

#include "bsf/store/backend.h"

struct way {
	struct store_shared sh; /* must be first */
	struct store_shared *inner;
	bool later;  /* never at once */
	bool hold;   /* and not before way_release() */
	int fail_rc; /* what is answered to fail_op instead of doing it, or 0 */
	enum store_op fail_op;
	struct store_req *held;
	struct store *st; /* whose call came last */
};

/*! \param[in] inner every call of it is answered at once; way_free() frees it */
void way_init(struct way *w, struct store_shared *inner);
void way_free(struct way *w);

/*! Answer what is held, and hold no more. */
void way_release(struct way *w);
