/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file provision.h
 *  The thread that changes subscribers while MARs are served: the main thread never waits for the disk, or for an import. It has
 *  a database connection of its own. One order is one transaction. */
#pragma once

#include "common/rt/ctl.h"
#include "common/rt/inbox.h"
#include "hss-sim/subscriber_cache.h"
#include "hss-sim/subscriber_db.h"

struct provision;

/*! An order under way; malloc'ed by whoever gives it, and calls ctl_ok() or ctl_fail() for q in its end. */
struct provision_order {
	struct inbox_item item; /* first */
	struct provision *p;
	struct ctl_request *q;
	/*! On the thread, inside a transaction that rc 0 commits. Reads q's arguments and document; sets answer, or word and err. */
	int (*work)(struct provision_order *o, struct subscriber_db *db);
	const struct subscriber_rules *rules; /* lent */
	const char *whose;                    /* record may be changed; NULL: that of any */
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

/*! Main thread. Do work for q, then answer it. */
void provision_give(struct provision *p, struct ctl_request *q,
		    int (*work)(struct provision_order *o, struct subscriber_db *db), const char *whose);

/*! What was given is done; answers wait in `back`. p may be NULL. */
void provision_stop(struct provision *p);

/*! For work(): why not. \returns rc */
int provision_refuse(struct provision_order *o, int rc, enum ctl_word word, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
