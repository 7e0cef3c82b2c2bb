/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file provision.h
 *  The thread that changes subscribers while MARs are served: the main thread never waits for the disk, or for an import. It has
 *  a database connection of its own. One order is one transaction. */
#pragma once

#include <semaphore.h>
#include "common/rt/ctl.h"
#include "common/rt/inbox.h"
#include "hss-sim/subscriber_cache.h"
#include "hss-sim/subscriber_db.h"

struct provision;
struct provision_order;

/*! What is to be done; what it points to is lent until it has ended. */
struct provision_ask {
	/*! On the thread, inside a transaction that rc 0 commits. Sets answer, or word and err. */
	int (*work)(struct provision_order *o, struct subscriber_db *db);
	const char *whose; /* record may be changed; NULL: that of any */
	const char *impi;  /* whom it is about, or behind whom a list begins; NULL: nobody */
	struct span document;
	unsigned how; /* of a list: enum subscriber_export */
	void *data;   /* of provision_tell() */
	/*! Main thread, in the place of an answer; not when the daemon ends. */
	void (*ended)(void *data, int rc);
};

/*! An order under way. */
struct provision_order {
	struct inbox_item item; /* first */
	struct provision *p;
	struct provision_ask ask;
	struct ctl_request *q; /* who asks; NULL: somebody waits */
	sem_t done;
	const struct subscriber_rules *rules; /* lent */
	bool touched;                         /* set by work(): something has changed */
	int rc;
	enum ctl_word word;
	struct err err;
	json_t *answer; /* owned */
};

/*! \param[in] db of its own, taken also on error. \param[in] back inbox of the main thread. \param[in] cache of the main thread, told
 *  what has changed
 *  \returns NULL and a reason in err */
struct provision *provision_start(struct subscriber_db *db, struct inbox *back, struct subscriber_cache *cache,
				  const struct subscriber_rules *rules, struct err *err);

/*! Main thread. Do it, then answer q. */
void provision_give(struct provision *p, struct ctl_request *q, const struct provision_ask *ask);

/*! Main thread. The same, for people who wait for it, and everybody with them.
 *  \param[out] answer a new object. \returns 0; -errno and err */
int provision_wait(struct provision *p, const struct provision_ask *ask, json_t **answer, struct err *err);

/*! Main thread. What the daemon asks of itself, however much waits. \returns 0: ask->ended() comes; -ENOMEM; -ESHUTDOWN */
int provision_tell(struct provision *p, const struct provision_ask *ask);

/*! What was given is done; answers wait in `back`. p may be NULL. */
void provision_stop(struct provision *p);

/*! For work(): why not. \returns rc */
int provision_refuse(struct provision_order *o, int rc, enum ctl_word word, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
