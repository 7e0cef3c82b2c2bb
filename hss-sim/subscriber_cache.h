/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file subscriber_cache.h
 *  Subscribers in memory while they are asked for, bounded; the least recently used goes first. Main thread. */
#pragma once

#include <osmocom/core/linuxlist.h>
#include "hss-sim/auc.h"
#include "hss-sim/subscriber_db.h"

#define SUBSCRIBER_CACHE_OCTETS (64u << 20)

/*! What holds for all subscribers of this AuC, and for those whose row does not say it. */
struct subscriber_rules {
	bool allow_test;          /* algorithms that protect nothing, too */
	enum sqn_profile profile; /* of rows without one */
	uint8_t ind_from,
		ind_to; /* IND of rows without a fixed one runs through these (33.102 C.1.2); its end is also that
				   * of the row's length of IND */
};

#define SUBSCRIBER_RULES_USUAL ((struct subscriber_rules){ .ind_to = SQN_IND_MAX })

struct subscriber {
	struct llist_head used;    /* most recent first */
	struct subscriber *next;   /* same hash */
	struct subscriber_row row; /* keys readable */
	bool readable;             /* false: the record could not be opened; only row.impi is set */
	bool stale;                /* its record has changed, and a mark of the former one is on its way */
	bool test_only;            /* not readable because its algorithm is for tests, and those are not allowed */
	struct auc_counter counter;
	struct llist_head waiting; /* of the server: requests that wait for the mark; not dropped while there are any */
};

struct subscriber_cache;

/*! \param[in] octets about how much memory it may take. \param[in] rules lent. \returns NULL: no memory */
struct subscriber_cache *subscriber_cache_new(struct subscriber_db *db, const struct subscriber_rules *rules,
					      size_t octets);
void subscriber_cache_free(struct subscriber_cache *c); /* wipes all keys; c may be NULL */

/*! \param[out] out lent until the loop's next turn; one that is stale is served when its mark has come
 *  \returns 0; -ENOENT unknown; -EIO, -ENOMEM the database could not be asked */
int subscriber_cache_get(struct subscriber_cache *c, const char *impi, struct subscriber **out);

/*! Only if it is in memory; never asks the database. */
struct subscriber *subscriber_cache_peek(struct subscriber_cache *c, const char *impi);

/*! The record of this subscriber (NULL: any) has changed: what is in memory is forgotten, at once or when its mark has come. */
void subscriber_cache_forget(struct subscriber_cache *c, const char *impi);

/*! Call fn with the waiting list of everybody who has one. */
void subscriber_cache_each(struct subscriber_cache *c, void (*fn)(struct llist_head *waiting));

size_t subscriber_cache_count(const struct subscriber_cache *c);
