/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_stream.h
 *  A connection (TCP, or TLS over it) as a stream of whole Diameter messages, on one loop: octets in, messages to its owner, answers gathered
 *  and sent with one call a turn. An idle stream has no buffer. Never waits. */
#pragma once

#include "common/base/bytes.h"
#include "common/dia/dia_loop.h"
#include "common/dia/dia_way.h"

#define DIA_STREAM_HOLD     (256u << 10) /* with more than this unsent nothing is read: TCP makes the sender wait */
#define DIA_STREAM_UNSENT   (1u << 20)   /* more than this unsent ends the stream */
#define DIA_STREAM_STUCK_MS 10000        /* and so does unsent for so long without any progress */

enum dia_stream_end {
	DIA_STREAM_CLOSED, /* the other side closed or reset it; detail: errno, 0 for an orderly end */
	DIA_STREAM_FRAME,  /* what came is no message, or over the limit; head has what there is of it */
	DIA_STREAM_UNREAD, /* the other side does not take what we send */
	DIA_STREAM_MEMORY,
	DIA_STREAM_WAY,   /* TLS has failed, the way's why() says how */
	DIA_STREAM_EARLY, /* octets came in the clear where the next way was to begin */
};

struct dia_stream;

/*! Called within the loop's turn; none of them may clear the stream, but pause it and clear it later. */
struct dia_stream_ops {
	/*! A connection of ours is there, or is not (rc -errno; the owner then ends it); and a way has begun (rc 0), also of
	 *  accepted ones. NULL: neither can be. */
	void (*on_connected)(struct dia_stream *s, int rc);
	/*! One whole message, lent. */
	void (*on_message)(struct dia_stream *s, struct span msg);
	/*! It is over, once; nothing else is called any more, but that DIA_STREAM_FRAME only ends the reading: what is written
	 *  is still sent, and another end comes if that fails. \param[in] head of DIA_STREAM_FRAME: what stands where a message
	 *  should begin, DIA_HDR_LEN octets at least; dia_frame() says what is wrong */
	void (*on_end)(struct dia_stream *s, enum dia_stream_end why, int detail, struct span head);
};

/*! Member of its owner's object. */
struct dia_stream {
	struct dia_fd f; /* first */
	struct dia_loop *loop;
	const struct dia_stream_ops *ops;
	size_t msg_max;                 /* octets of a message; the owner raises it after CER */
	bool paused;                    /* dia_stream_pause() */
	struct dia_way *way, *next_way; /* next: as soon as what was written is sent */
	bool beginning;                 /* the way: no octets of ours yet */
	bool connecting, ended, shut;
	int broken;    /* -errno of a send whose end is not told yet */
	bool readable; /* the socket may have octets */
	bool leaving;  /* the other side has closed: read on until the end is seen */
	bool held;     /* in has messages that were not handed on */
	uint8_t *in;
	size_t in_len, in_room;
	uint8_t *out;
	size_t out_at, out_len, out_room;
	struct dia_timer stuck;
};

/*! Take over a non-blocking socket: accepted, or connecting (connect() said EINPROGRESS or 0).
 *  \returns 0; -errno, fd is then still the caller's */
int dia_stream_init(struct dia_stream *s, struct dia_loop *l, int fd, bool connecting, size_t msg_max,
		    const struct dia_stream_ops *ops);

/*! Octets go this way from now on, if begun; else what was written goes first, and on_connected() tells when it has begun. At
 *  most once. \param[in] w taken, freed with the stream */
void dia_stream_way(struct dia_stream *s, struct dia_way *w, bool begun);

/*! Off the loop, socket closed, buffers wiped and freed. \param[in] reset RST: what was not sent is thrown away */
void dia_stream_clear(struct dia_stream *s, bool reset);

/*! To another loop: what was read and not handed on (lent until then), and descriptor and way, off this loop and the caller's.
 *  dia_stream_clear() is still due. There, after dia_stream_init(), the octets come first. \returns false: no memory */
struct span dia_stream_unread(const struct dia_stream *s);
int dia_stream_release(struct dia_stream *s, struct dia_way **way);
bool dia_stream_feed(struct dia_stream *s, struct span octets);

/*! Room for a message of at most len octets; nothing else may be written to this stream until dia_stream_commit().
 *  \returns false: too much is unsent or no memory; who writes it does without, or ends the connection */
bool dia_stream_room(struct dia_stream *s, struct writer *w, size_t len);
/*! The message in w is whole (len octets; 0 or below: it is given up). Sent when the stream has read what there is, or in the
 *  next turn; outside of a turn at once, but on a loop that gathers (dia_loop.h). on_end() is never called from here. */
void dia_stream_commit(struct dia_stream *s, int len);

/*! Read no further until dia_stream_resume(): a message already in the buffer waits, too. That the other side leaves is
 *  still told. */
void dia_stream_pause(struct dia_stream *s);
void dia_stream_resume(struct dia_stream *s);

/*! Nothing is written any more: when all is sent the other side is told so. */
void dia_stream_shut(struct dia_stream *s);

/*! Octets not yet taken by the kernel. */
size_t dia_stream_unsent(const struct dia_stream *s);
