/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hss_keks.h
 *  The rotation of kek_job.h over the subscribers, on the thread that changes them. */
#pragma once

#include "hss-sim/provision.h"

/*! Goes on with what was begun, also by a start with another first KEK. \param[in] p lent until kek_job_end() */
void hss_keks_init(struct provision *p);
