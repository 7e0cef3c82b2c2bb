/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_http.h
 *  The HTTPS side: each address of node `api` on a thread of its own, so that a flood at one leaves the others alone. A request waits,
 *  suspended, while its order is on the thread of the database. */
#pragma once

#include "common/base/err.h"
#include "reg/reg_work.h"

/*! Main thread, when writer and reader run: all of them, or none. Without `api` nothing happens.
 *  \returns 0; -errno and err */
int api_http_start(struct reg_work *writer, struct reg_work *reader, struct err *err);

/*! For `figures`: of each address its connections, and how many answers of which class. */
void api_http_figures(json_t *into);

/*! Nothing is accepted or ordered any more; what is on its way to the database still is answered. Before the work is stopped. */
void api_http_quiesce(void);
/*! When the work is stopped. */
void api_http_stop(void);
