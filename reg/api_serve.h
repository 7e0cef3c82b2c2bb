/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_serve.h
 *  Between the files of api_http.h: one address (api_http.c: its socket, loop, start and end) and what is done with its requests
 *  (api_serve.c). */
#pragma once

#include <microhttpd.h>
#include <osmocom/core/select.h>
#include <semaphore.h>
#include <stdatomic.h>
#include "common/rt/inbox_thread.h"
#include "reg/api_cfg.h"
#include "reg/api_conn.h"
#include "reg/api_rate.h"
#include "reg/api_tls.h"
#include "reg/reg_work.h"

struct api_http {
	struct inbox_thread *thread;
	const struct api_listen *where;
	struct MHD_Daemon *mhd;
	struct osmo_fd epoll, listen;
	int spare_fd; /* given up to take and close a connection when descriptors run out */
	void *ctx;    /* of the thread */
	struct api_conns conns;
	struct api_cert *cert; /* for new connections */
	struct deadline timer; /* what the library wants to be called for */
	struct api_rates *rates;
	bool due, again, stopping;
	atomic_uint open;                /* connections, as the main thread sees them */
	atomic_uint_fast64_t answers[6]; /* by the first digit of the status */
	struct {
		struct inbox_item item; /* first */
		sem_t done;
		struct api_cert *cert; /* that is to be used */
		int rc;
	} ask; /* of the main thread */
};

/*! Once, before the first address: read the document. \returns 0; -EINVAL what of it is wrong, or whom nobody serves; -EIO */
int api_serve_init(struct reg_work *writer, struct reg_work *reader, struct err *err);
void api_serve_end(void);

/*! The library for one address, which serves when it is given turns. \returns NULL: it does not start */
struct MHD_Daemon *api_serve_start(struct api_http *h, const struct api_tls *tls);
