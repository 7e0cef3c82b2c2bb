/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_door.h
 *  Who has connected and not said its name yet: one count for all hubs of a node, on whatever loops; so many in all, half of
 *  them from one address at most. Over it the oldest goes, of that address or of all; where this hub has none to give, another
 *  one is asked. Whoever comes by TLS is counted here, too. No lock. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>
#include "common/dia/dia_loop.h"
#include "common/dia/dia_rate.h"

#define DIA_DOOR_ALL  512 /* by default */
#define DIA_DOOR_HUBS 64

struct dia_door;

/*! \param[in] all how many, from 2. \param[in] handshakes of one address in a second (dia_rate.h)
 *  \returns new object; NULL: no memory, no random numbers */
struct dia_door *dia_door_new(unsigned all, unsigned handshakes);
/*! Handshakes of all its hubs; lent. */
struct dia_rate *dia_door_rate(struct dia_door *d);
/*! After all loops of its hubs are freed. d may be NULL. */
void dia_door_free(struct dia_door *d);

/*! One more hub. Any thread.
 *  \param[in] give called on the hub's loop: too many are there and this hub has of them
 *  \returns its place, 0 .. DIA_DOOR_HUBS - 1; -ENOSPC */
int dia_door_join(struct dia_door *d, struct dia_loop *loop, void (*give)(void *owner), void *owner);
/*! give() is not called any more. On the hub's loop. */
void dia_door_leave(struct dia_door *d, int place);

/*! What this address counts as: an IPv6 one its /64. A few thousand, by a keyed hash: two addresses are seldom the same. */
unsigned dia_door_host(const struct dia_door *d, const struct sockaddr_storage *from);

void dia_door_in(struct dia_door *d, int place, unsigned host);
void dia_door_out(struct dia_door *d, int place, unsigned host);

/*! Too many of this address? */
bool dia_door_over_of(const struct dia_door *d, unsigned host);
/*! Too many in all? */
bool dia_door_over(const struct dia_door *d);
/*! Has no other hub more of them? */
bool dia_door_fullest(const struct dia_door *d, int place);
/*! Let the others look what they can give. */
void dia_door_ask(struct dia_door *d, int place);
