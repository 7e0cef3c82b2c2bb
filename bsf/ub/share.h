/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file share.h
 *  Which connection goes when there is no room for a new one: of the source that holds most of those that owe us a request,
 *  or have yet to read their answer, the one that has owed it longest. As long as there is room a source may have any number, since many devices may stand
 *  behind it. A connection whose request is being worked on never goes.
 *
 *  Sources are spread by a keyed hash over a table of fixed size, and those that meet in a slot count as one: memory does not
 *  grow with what strangers do, and nobody can aim at a slot. Of one shard, on its thread. */
#pragma once

#include <stdbool.h>
#include <osmocom/core/linuxlist.h>

struct ub_share;

/*! Part of a connection; zeroed: not in a share. */
struct ub_place {
	struct llist_head entry;
	struct ub_share *share;
	unsigned slot;
	bool owes;
};

/*! \returns new object owned by ctx; NULL no memory, no random numbers */
struct ub_share *ub_share_new(void *ctx);

/*! A connection is here. \param[in] from a struct sockaddr, or NULL */
void ub_share_join(struct ub_share *s, struct ub_place *p, const void *from);
/*! From now on it owes us a request, or has to read its answer. */
void ub_share_owes(struct ub_place *p);
/*! The request is here as a whole, or the connection has ended. */
void ub_share_paid(struct ub_place *p);

/*! \returns the one that goes; NULL: none owes us anything */
struct ub_place *ub_share_oldest(struct ub_share *s);
