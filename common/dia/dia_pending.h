/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_pending.h
 *  Requests in flight of one loop: which answer belongs to which. An answer fits only if hop-by-hop id and connection do:
 *  ids are guessable, and no peer may hand in the answer of another. Allocates only to grow. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIA_PENDING_MAX 65536 /* of a loop */

struct dia_pending;

/*! One request; member of its owner's object. */
struct dia_wait {
	const void *conn;    /* the connection it went out on; only compared */
	uint32_t hop_by_hop; /* given by dia_pending_add(); 0: not in the table */
};

/*! \returns new object; NULL no memory, no random numbers */
struct dia_pending *dia_pending_new(void);
/*! p may be NULL; nothing may be in it. */
void dia_pending_free(struct dia_pending *p);

/*! Give w an id that no request had for as long as possible. w->conn is set. \returns 0; -EBUSY; -ENOMEM */
int dia_pending_add(struct dia_pending *p, struct dia_wait *w);
void dia_pending_del(struct dia_pending *p, struct dia_wait *w);

/*! Take out the request this answer belongs to. \returns NULL: none; it is dropped and counted by the caller */
struct dia_wait *dia_pending_take(struct dia_pending *p, uint32_t hop_by_hop, const void *conn);

/*! Take out any request that went out on conn: when it is lost, until NULL. */
struct dia_wait *dia_pending_take_any(struct dia_pending *p, const void *conn);

size_t dia_pending_count(const struct dia_pending *p);
