/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_conn.h"

#include <stdlib.h>

/* The library ends a connection whose socket is shut down, however it trickled. */
static void cut_off(struct api_conn *c)
{
	shutdown(c->fd, SHUT_RDWR);
	*c->of->due = true;
}

static void too_late(void *data)
{
	cut_off(data);
}

static void arm_late(struct api_conn *c)
{
	deadline_start(c->of->deadlines, &c->late, c->of->request_s * UINT64_C(1000), too_late, c);
}

struct api_conn *api_conn_new(struct api_conns *of, int fd, uint64_t line)
{
	struct api_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->of = of;
	c->fd = fd;
	c->line = line;
	of->n++;
	llist_add_tail(&c->entry, &of->all);
	arm_late(c);
	return c;
}

void api_conn_end(struct api_conn *c)
{
	deadline_stop(&c->late);
	llist_del(&c->entry);
	c->of->n--;
	api_cert_drop(c->cert);
	free(c);
}

void api_conn_read(struct api_conn *c)
{
	c->working = true;
	deadline_stop(&c->late);
}

void api_conn_answering(struct api_conn *c)
{
	arm_late(c);
}

void api_conn_next(struct api_conn *c)
{
	c->working = false;
	llist_move_tail(&c->entry, &c->of->all);
	arm_late(c);
}

bool api_conn_drop(struct api_conns *of)
{
	struct api_conn *c;

	llist_for_each_entry(c, &of->all, entry)
	{
		if (c->working)
			continue;
		llist_move_tail(&c->entry, &of->all); /* not this one again before the library has looked */
		cut_off(c);
		return true;
	}
	return false;
}
