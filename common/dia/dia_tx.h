/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_tx.h
 *  The one thread that may block in fd_msg_send. Bounded queue; any thread posts. */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

/*! Answer or failure of a request, on a thread of the library.
 *  \param[in] txn  as given to dia_tx_request()
 *  \param[in] answer owned by the callee, or NULL: the library could not send it */
typedef void dia_answer_fn(void *owner, uint64_t txn, struct msg *answer);

/*! \param[in] bound messages in the queue. \returns 0; -ENOMEM; -EALREADY */
int dia_tx_start(size_t bound);

/*! Send what is queued, then end the thread. */
void dia_tx_stop(void);

/*! Takes *m on success. \returns 0; -EBUSY queue full (caller still owns *m) */
int dia_tx_answer(struct msg **m);
int dia_tx_request(struct msg **m, dia_answer_fn *fn, void *owner, uint64_t txn);
