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

/*! Send what is queued, then end the thread. After this no answer function is called any more but those that run
 *  already; owners must live until dia_core_stop() has returned. */
void dia_tx_stop(void);

/*! Takes *m on success. \returns 0; -EBUSY queue full (caller still owns *m) */
int dia_tx_answer(struct msg **m);
/*! Takes *m on success. \param[in] patience_ms how long the caller waits. \returns 0; -EBUSY queue full (caller still owns *m)
 *  fn is called at most once. It may never be called: the library drops some bad answers without a word, so the caller
 *  owns a deadline. Without a usable peer an answer with 3002, made by the library, comes. A late answer is freed here or
 *  reaches fn with a txn the caller must know or ignore; one that comes after ten times that time is dropped by the library. */
int dia_tx_request(struct msg **m, dia_answer_fn *fn, void *owner, uint64_t txn, uint32_t patience_ms);
