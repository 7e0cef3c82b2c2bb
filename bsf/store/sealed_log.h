/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file sealed_log.h
 *  Records of one length in a file of this process: appended, durable, sealed, each bound to the one before it, so that one that was altered,
 *  taken out or put in elsewhere is an error. What was cut off at its end cannot be told from what was never written. One thread. */
#pragma once

#include "common/base/err.h"
#include "common/crypto/seal.h"

#define SEALED_LOG_MAX 512 /* octets of a record at most */

struct sealed_log;

/*! What is kept in it. A record begins with an octet that is not 0. */
struct sealed_log_form {
	const char *name; /* of the file; NAME.new beside it is the next one */
	const char *bind; /* what each record is bound to besides */
	size_t len;       /* of a record */
	bool lock;        /* the folder is of this process alone */
	/*! One that is there; NULL: they are not wanted. \returns 0; -EBADMSG it is none; -ENOSPC there is no room for more */
	int (*take)(void *owner, const uint8_t *record);
	/*! All that stays, each by sealed_log_add(). \returns 0; -errno */
	int (*keep)(void *owner, struct sealed_log *l);
	const char *cure; /* what an operator may do where it was altered */
};

/*! Read what is there and go on behind it, also on a full disk; only where another KEK than the first, or a former version, has sealed some of
 *  it is it begun anew with what stays. A record that is not whole at the end, or where a sector of it was never written, was never
 *  said to be durable and goes.
 *  \param[in] form, seal, owner lent \param[in] dir only its owner may write there; made if its last name is not there
 *  \returns NULL and a reason in err: it was altered, another process has it, it cannot be written */
struct sealed_log *sealed_log_open(const struct sealed_log_form *form, const char *dir, struct seal *seal, void *owner,
				   struct err *err);
/*! Could it be opened? Nothing is changed, and nobody is in the way. \returns 0, also where there is none; -errno and a reason */
int sealed_log_check(const struct sealed_log_form *form, const char *dir, struct seal *seal, void *owner,
		     struct err *err);
void sealed_log_free(struct sealed_log *l); /* NULL: nothing */

/*! \param[in] record form->len octets \returns 0: it is written by the next sealed_log_sync(); -ENOMEM; -EIO; -ENOSPC too much waits for the
 *  disk: what was not added is there after the next sealed_log_renew() */
int sealed_log_add(struct sealed_log *l, const uint8_t *record);
/*! \returns 0: all that were added are durable; -errno: they are not yet, call it again */
int sealed_log_sync(struct sealed_log *l);
/*! Records in the file, or on their way there. */
size_t sealed_log_count(const struct sealed_log *l);
/*! Begin it anew with what stays. \returns 0; -errno: the former file goes on, or it is not durable yet that another one has its place;
 *  sealed_log_sync() makes either durable */
int sealed_log_renew(struct sealed_log *l);
