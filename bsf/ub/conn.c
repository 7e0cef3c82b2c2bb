/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/conn.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "bsf/run/cfg.h"
#include "common/base/clock.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

static atomic_uint open_connections; /* of all shards: the limit is the process's */

unsigned ub_conn_open(void)
{
	return atomic_load_explicit(&open_connections, memory_order_relaxed);
}

void ub_conn_count(struct ub_conn *c, enum cause cause)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	struct log_line l;

	if (c->counted)
		return;
	c->counted = true;
	counter_inc(cause);
	if (!log_line_begin(&l, DUB, LOGL_INFO, cause))
		return;
	getpeername(c->fd, (struct sockaddr *)&from, &len);
	log_line_from(&l, &from);
	log_line_end(&l);
}

/* Header or body not here in time, or the answer not taken, however it trickles: closing the socket under the library makes it end the
 * connection. */
static void expired(void *data)
{
	struct ub_conn *c = data;

	/* a connection kept open for a further request that never began is just idle */
	if (!c->used || c->in_request)
		ub_conn_count(c, CAUSE_ub_deadline);
	shutdown(c->fd, SHUT_RDWR);
	*c->due = true;
}

static void arm(struct ub_conn *c)
{
	c->since_ms = clock_mono_ms();
	ub_share_owes(&c->place);
	deadline_start(c->deadlines, &c->deadline, bsf_limit(LIM_REQUEST_TIME) * UINT64_C(1000), expired, c);
}

struct ub_conn *ub_conn_new(int fd, struct ub_share *share, const void *from, struct deadline_set *deadlines, bool *due)
{
	struct ub_conn *c = calloc(1, sizeof(*c));

	atomic_fetch_add_explicit(&open_connections, 1, memory_order_relaxed);
	if (!c)
		return NULL;
	c->deadlines = deadlines;
	c->due = due;
	c->fd = fd;
	ub_share_join(share, &c->place, from);
	arm(c);
	return c;
}

void ub_conn_begun(struct ub_conn *c)
{
	c->used = true;
	c->in_request = true;
}

void ub_conn_read(struct ub_conn *c)
{
	deadline_stop(&c->deadline);
	ub_share_paid(&c->place);
}

void ub_conn_answering(struct ub_conn *c)
{
	arm(c);
}

void ub_conn_done(struct ub_conn *c)
{
	c->in_request = false;
	arm(c);
}

bool ub_conn_drop_oldest(struct ub_share *share)
{
	struct ub_place *p = ub_share_oldest(share);
	struct ub_conn *c;

	if (!p)
		return false;
	c = llist_entry(p, struct ub_conn, place);
	c->counted = true; /* who drops it counts it */
	ub_share_paid(p);
	shutdown(c->fd, SHUT_RDWR);
	*c->due = true;
	return true;
}

enum cause ub_conn_cause(unsigned status)
{
	return status == 413 || status == 414 || status == 431 ? CAUSE_ub_too_large : CAUSE_ub_http_rejected;
}

/* Closed without a request. The other side may do that; else the library did: after its own limit of silence, or
 * because what came was no HTTP. */
static void count_unused(struct ub_conn *c, unsigned status)
{
	char octet;
	ssize_t n = recv(c->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);

	if (clock_mono_ms() - c->since_ms >= bsf_limit(LIM_IDLE_TIME) * UINT64_C(1000))
		ub_conn_count(c, CAUSE_ub_deadline);
	else if (n > 0 || (n < 0 && errno == EAGAIN))
		ub_conn_count(c, ub_conn_cause(status));
}

void ub_conn_end(struct ub_conn *c, unsigned status, bool stopping)
{
	atomic_fetch_sub_explicit(&open_connections, 1, memory_order_relaxed);
	if (!c)
		return;
	if (!c->used && !stopping)
		count_unused(c, status);
	deadline_stop(&c->deadline);
	ub_share_paid(&c->place);
	free(c);
}
