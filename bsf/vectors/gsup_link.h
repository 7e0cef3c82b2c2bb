/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file gsup_link.h
 *  The connection to an HLR: one for the daemon, under one name, on the loop of one shard; the others send their questions there.
 *  Of two connections under one name an HLR answers the first only, so there are never two, and each name takes an IND of the
 *  HLR's for ever, so it is the operator who chooses it. */
#pragma once

#include <sys/socket.h>
#include "bsf/vectors/gsup_wire.h"
#include "common/base/err.h"
#include "common/rt/deadline.h"
#include "common/rt/inbox.h"

struct gsup_link;

struct gsup_link_cfg {
	struct sockaddr_storage addr;
	const char *label;  /* for the log; lent */
	const char *name;   /* 1 to GSUP_NAME_MAX characters; lent */
	_Atomic bool *open; /* told whether questions may be sent; lent */
};

/*! A question on its way. Memory of who asks, who has it back in answered(). */
struct gsup_question {
	struct inbox_item item; /* first */
	struct gsup_ask ask;    /* but for session */
	uint32_t patience_ms;
	/*! Once, on the link's thread, not inside gsup_link_ask().
	 *  rc 0: a is there; -EBADMSG the answer is another subscriber's; -ETIMEDOUT; -ENOTCONN lost with the connection;
	 *  -EBUSY; -ESHUTDOWN all ends */
	void (*answered)(struct gsup_question *q, int rc, const struct gsup_answer *a);
	/* own */
	struct gsup_link *link;
	struct gsup_question *next;
	struct deadline deadline;
	uint64_t sent_ms;
};

/*! Main thread. \returns NULL: no memory or descriptors */
struct gsup_link *gsup_link_new(const struct gsup_link_cfg *cfg);
/*! On the thread whose loop it is to be on, where it connects from then on. \returns 0; -errno */
int gsup_link_attach(struct gsup_link *l, struct deadline_set *deadlines);
/*! On that thread, at its end: what is still asked is answered with -ESHUTDOWN. */
void gsup_link_detach(struct gsup_link *l);
/*! Main thread, when no other runs. l may be NULL */
void gsup_link_free(struct gsup_link *l);

/*! Wait until it is open for the first time. \returns false: not in that time */
bool gsup_link_wait(struct gsup_link *l, unsigned ms);

/*! Any thread. \param[out] session which it got, for the log
 *  \returns 0: q is taken; -ENOTCONN; -EBUSY */
int gsup_link_ask(struct gsup_link *l, struct gsup_question *q, uint32_t *session);
