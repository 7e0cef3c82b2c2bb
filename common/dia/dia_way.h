/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_way.h
 *  How the octets of a stream cross its socket: as they are, or as TLS (dia_tls.h). Nothing here waits or raises SIGPIPE. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct dia_way;

#define DIA_WAY_FAILED (-4096) /* no errno: why() says how */

struct dia_way_ops {
	/*! What has to be done before the first octet; called again for each event. NULL: nothing.
	 *  \returns 0 it is done; -EAGAIN an event will come; > 0: call again after so many ms; DIA_WAY_FAILED; -errno */
	int (*begin)(struct dia_way *w, int fd);
	/*! \param[out] more false: the socket was seen empty; true: read again without a new event
	 *  \returns octets; 0 the other side has ended it; -EAGAIN none for now; DIA_WAY_FAILED; -errno */
	ssize_t (*read)(struct dia_way *w, int fd, uint8_t *to, size_t room, bool *more);
	/*! \returns octets taken: if fewer than len an event comes when there is room; DIA_WAY_FAILED; -errno, never -EAGAIN */
	ssize_t (*write)(struct dia_way *w, int fd, const uint8_t *from, size_t len);
	/*! Nothing is written any more: the other side is told so. */
	void (*shut)(struct dia_way *w, int fd);
	/*! What DIA_WAY_FAILED meant, in words; lent until the way ends. NULL: it never does */
	const char *(*why)(const struct dia_way *w);
	/*! The socket stays open. */
	void (*free)(struct dia_way *w);
	bool any_event_reads; /* to read may need that something can be written */
};

struct dia_way {
	const struct dia_way_ops *ops;
};

/*! TCP; one for all, has no state. */
extern struct dia_way dia_way_tcp;
