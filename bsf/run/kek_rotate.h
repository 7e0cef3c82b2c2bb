/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file kek_rotate.h
 *  The rotation of kek_job.h over the records of the store, by an access to it of its own. Another Redis server than the one that was proven
 *  is proven again, as long as this process runs. */
#pragma once

#include "bsf/store/store.h"

/*! Goes on with what was begun. \param[in] sh lent, until kek_job_end() */
void kek_rotate_init(struct store_shared *sh);
