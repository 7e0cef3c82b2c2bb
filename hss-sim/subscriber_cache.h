/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file subscriber_cache.h
 *  Subscribers in memory while they are asked for, bounded; the least recently used goes first. Main thread. */
#pragma once

#include <osmocom/core/linuxlist.h>
#include "hss-sim/auc.h"
#include "hss-sim/subscriber_db.h"

#define SUBSCRIBER_CACHE_OCTETS (64u << 20)

struct subscriber {
	struct llist_head used;    /* most recent first */
	struct subscriber *next;   /* same hash */
	struct subscriber_row row; /* keys readable */
	bool readable;             /* false: the record could not be opened; only row.impi is set */
	struct auc_counter counter;
	struct llist_head waiting; /* of the server: requests that wait for the mark; not dropped while there are any */
};

struct subscriber_cache;

/*! \param[in] octets about how much memory it may take. \returns NULL: no memory */
struct subscriber_cache *subscriber_cache_new(struct subscriber_db *db, size_t octets);
void subscriber_cache_free(struct subscriber_cache *c); /* wipes all keys; c may be NULL */

/*! \param[out] out lent until the loop's next turn
 *  \returns 0; -ENOENT unknown; -EIO, -ENOMEM the database could not be asked */
int subscriber_cache_get(struct subscriber_cache *c, const char *impi, struct subscriber **out);

/*! Only if it is in memory; never asks the database. */
struct subscriber *subscriber_cache_peek(struct subscriber_cache *c, const char *impi);

/*! Call fn with the waiting list of everybody who has one. */
void subscriber_cache_each(struct subscriber_cache *c, void (*fn)(struct llist_head *waiting));

size_t subscriber_cache_count(const struct subscriber_cache *c);
