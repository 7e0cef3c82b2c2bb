/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_call.h
 *  An order: an operation that somebody asks for, whoever it is and whatever way it comes (control socket, HTTPS). It is worked on a
 *  thread of reg_work.h, and knows nothing of who carries it. */
#pragma once

#include <jansson.h>
#include "common/rt/ctl.h"
#include "common/rt/inbox.h"
#include "reg/reg_db.h"

enum reg_role { REG_ANYONE, REG_OPERATOR, REG_ASP, REG_USER };

struct reg_caller {
	enum reg_role role;
	int64_t id;     /* row of the asp, of the user; else 0 */
	char name[128]; /* for the audit: "uid 0 pid 77", "asp acme", "user 5f3a..." */
};

/* Which revision it must have: an If-Match or If-None-Match (RFC 9110 13.1). */
#define REG_MATCH_NONE  (-1) /* whichever, also none */
#define REG_MATCH_NEW   (-2) /* If-None-Match: *, it is not there yet */
#define REG_MATCH_THERE (-3) /* If-Match: *, whichever, but it is there */

struct reg_work;

/*! malloc'ed; reg_order_new(). */
struct reg_order {
	struct inbox_item item; /* first */
	/*! On the thread, inside a transaction that rc 0 commits. Reads caller, in and if_match; sets answer and revision, or refuses. */
	int (*work)(struct reg_order *o, struct reg_db *db);
	struct reg_caller caller;
	json_t *in; /* owned: an object, the members of path, query and body; NULL: none. Checked by the document, if it came by HTTPS */
	int64_t if_match; /* REG_MATCH_...; or a revision */
	void *data;       /* of who gave it */
	/*! On the thread, when rc is durable; takes o. NULL: nobody waits */
	void (*ended)(struct reg_order *o);

	bool sends; /* set by work(): there is something for the targets */
	int rc;
	json_t *answer;   /* owned: an object; NULL: {} */
	int64_t revision; /* of what was answered; 0 none */
	enum ctl_word word;
	const char *field; /* the member of `in` that is not what is allowed; NULL: none, or not one alone. Static */
	struct err err;    /* why not, and what is allowed */
	struct reg_order *next;
	int (*then_work)(struct reg_order *o, struct reg_db *db); /* of reg_ahead.c, while others are asked */
	void (*then_ended)(struct reg_order *o);
};

/*! \param[in] in taken, also on error; may be NULL. \returns for reg_work_give() or reg_order_free(), if_match REG_MATCH_NONE; NULL no memory */
struct reg_order *reg_order_new(int (*work)(struct reg_order *o, struct reg_db *db), json_t *in);
void reg_order_free(struct reg_order *o);

/* --- for work() */

/*! Why not. \param[in] field as in struct reg_order \returns a negative errno that goes with word */
int reg_refuse(struct reg_order *o, enum ctl_word word, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*! A member of `in`, lent. \returns NULL: it is not there, or no text */
const char *reg_in(const struct reg_order *o, const char *name);
