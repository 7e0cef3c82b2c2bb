/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ue_remote.h
 *  A question to gba-ued: one line there, one line of JSON back (gba-ued(8)), over a connection of its own. */
#pragma once

#include <gba/ue.h>
#include "common/base/err.h"
#include "ue/lib/ue_key.h"

#define UE_REMOTE_LINE_MAX 4096 /* octets of a question, and of an answer */

struct ue_remote;

/*! What the agent says to a question for a key. */
struct ue_remote_answer {
	enum gba_ue_reason reason;
	char cause[32], run[RUN_ID_LEN + 1];
	long status;
	struct err text;
	struct gba_ue_key key; /* of GBA_UE_OK; the caller wipes it */
};

/*! A connection to the agent, in epoll_fd. \returns descriptor; -EIO, -ENAMETOOLONG and a reason */
int ue_remote_connect(const char *path, int epoll_fd, struct err *err);

/*! Connect and ask. \param[in] epoll_fd gets its descriptor \param[in] line without line end
 *  \returns NULL and a reason: no agent there */
struct ue_remote *ue_remote_new(const char *path, const char *line, int epoll_fd, struct err *err);

/*! \returns 0 and an answer; -EINPROGRESS; -EIO broken off; -EBADMSG no answer of an agent */
int ue_remote_step(struct ue_remote *r, struct ue_remote_answer *out, struct err *err);

/*! Closes and wipes; NULL is fine. */
void ue_remote_free(struct ue_remote *r);

/*! An answer in its octets: takes the key out and wipes it there. For tests. \returns 0; -EBADMSG */
int ue_remote_read(struct ue_remote_answer *out, char *line);
