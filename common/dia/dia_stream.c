/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_stream.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "common/base/owner_of.h"
#include "common/dia/dia_buffer.h"
#include "common/dia/dia_frame.h"

static const struct span nothing;

static bool stream_grow(const struct dia_stream *s, uint8_t **p, size_t *room, size_t used, size_t want)
{
	return dia_buffer_grow(p, room, used, want, s->msg_max <= DIA_FRAME_NAF);
}

static bool stream_end(struct dia_stream *s, enum dia_stream_end why, int detail, struct span head)
{
	if (!s->ended) {
		s->ended = true;
		s->ops->on_end(s, why, detail, head);
	}
	return false;
}

/* By what a way returns. */
static bool stream_lost(struct dia_stream *s, int rc)
{
	if (rc == DIA_WAY_FAILED)
		return stream_end(s, DIA_STREAM_WAY, 0, nothing);
	return rc == -ENOMEM ? stream_end(s, DIA_STREAM_MEMORY, 0, nothing)
			     : stream_end(s, DIA_STREAM_CLOSED, -rc, nothing);
}

/* Sending. */

size_t dia_stream_unsent(const struct dia_stream *s)
{
	return s->out_len - s->out_at;
}

static void on_stuck(struct dia_timer *t)
{
	struct dia_stream *s = owner_of(t, struct dia_stream, stuck);

	if (s->beginning)
		dia_loop_again(s->loop, &s->f);
	else
		stream_end(s, DIA_STREAM_UNREAD, 0, nothing);
}

/* The kernel took n octets. */
static void sent(struct dia_stream *s, size_t n)
{
	s->out_at += n;
	if (n)
		dia_loop_timer_stop(s->loop, &s->stuck);
	if (s->out_at == s->out_len) {
		dia_buffer_free(&s->out, &s->out_room);
		s->out_at = s->out_len = 0;
		if (s->shut)
			s->way->ops->shut(s->way, s->f.fd);
	}
}

/* \returns 0; -errno: it is over */
static int try_send(struct dia_stream *s)
{
	ssize_t n;

	if (s->connecting || s->out_at == s->out_len || (s->beginning && !s->next_way))
		return 0;
	n = s->way->ops->write(s->way, s->f.fd, s->out + s->out_at, s->out_len - s->out_at);
	if (n < 0)
		return (int)n;
	sent(s, (size_t)n);
	if (s->out_len && !s->stuck.running)
		dia_loop_timer(s->loop, &s->stuck, DIA_STREAM_STUCK_MS);
	return 0;
}

static bool flush(struct dia_stream *s)
{
	int rc = s->ended ? 0 : s->broken;

	if (!rc && !s->ended)
		rc = try_send(s);
	if (rc < 0)
		return stream_lost(s, rc);
	return !s->ended;
}

static void compact(struct dia_stream *s)
{
	if (!s->out_at || s->out_at < s->out_len / 2)
		return;
	memmove(s->out, s->out + s->out_at, s->out_len - s->out_at);
	s->out_len -= s->out_at;
	s->out_at = 0;
}

void dia_stream_shut(struct dia_stream *s)
{
	s->shut = true;
	if (!dia_stream_unsent(s) && !s->connecting)
		s->way->ops->shut(s->way, s->f.fd);
}

static bool out_grow(struct dia_stream *s, size_t len)
{
	compact(s);
	return stream_grow(s, &s->out, &s->out_room, s->out_len, s->out_len + len);
}

/* Where memory is short what waits is sent first: then what there is may do. */
static bool out_send_and_grow(struct dia_stream *s, size_t len)
{
	if (!s->broken)
		s->broken = try_send(s);
	if (s->broken)
		dia_loop_again(s->loop, &s->f);
	return !s->broken && out_grow(s, len);
}

bool dia_stream_room(struct dia_stream *s, struct writer *w, size_t len)
{
	if (s->ended || dia_stream_unsent(s) > DIA_STREAM_UNSENT || (!out_grow(s, len) && !out_send_and_grow(s, len)))
		return false;
	writer_init(w, s->out + s->out_len, len);
	return true;
}

void dia_stream_commit(struct dia_stream *s, int len)
{
	if (len <= 0)
		return;
	s->out_len += (size_t)len;
	if (dia_loop_runs(s->loop, &s->f))
		return; /* sent when it has read what there is */
	if (!dia_loop_gathers(s->loop))
		s->broken = try_send(s); /* who writes must not find the stream gone: told in the next turn */
	if (dia_loop_gathers(s->loop) || s->broken)
		dia_loop_again(s->loop, &s->f);
}

/* Reading. */

void dia_stream_pause(struct dia_stream *s)
{
	s->paused = true;
}

void dia_stream_resume(struct dia_stream *s)
{
	s->paused = false;
	dia_loop_again(s->loop, &s->f);
}

/* Give the whole messages in buf to the owner. \returns octets used; -1: the stream has ended */
static ssize_t hand_on(struct dia_stream *s, struct span buf, unsigned *budget)
{
	size_t at = 0;

	s->held = false;
	for (;;) {
		struct span rest = span_of(buf.p + at, buf.len - at);
		struct dia_frame f;

		dia_frame(&f, rest.p, rest.len, s->msg_max);
		if (f.is == DIA_FRAME_MORE)
			return (ssize_t)at;
		if (!*budget || s->paused || s->beginning) {
			s->held = true;
			return (ssize_t)at;
		}
		if (f.is == DIA_FRAME_BAD) {
			s->paused = true;
			s->ops->on_end(s, DIA_STREAM_FRAME, 0, rest);
			return (ssize_t)buf.len;
		}
		--*budget;
		at += f.len;
		s->ops->on_message(s, span_of(rest.p, f.len));
		if (s->ended)
			return -1;
	}
}

/* Keep what is no whole message yet. buf: s->in itself or the loop's scratch. */
static bool stream_keep(struct dia_stream *s, struct span rest)
{
	if (!rest.len) {
		dia_buffer_free(&s->in, &s->in_room);
		s->in_len = 0;
		return true;
	}
	if (rest.len > s->in_room && !stream_grow(s, &s->in, &s->in_room, 0, rest.len))
		return stream_end(s, DIA_STREAM_MEMORY, 0, nothing);
	memmove(s->in, rest.p, rest.len);
	s->in_len = rest.len;
	return true;
}

/* \returns false: the stream has ended */
static bool work_off(struct dia_stream *s, struct span buf, unsigned *budget)
{
	ssize_t used = hand_on(s, buf, budget);

	return used >= 0 && stream_keep(s, span_of(buf.p + used, buf.len - (size_t)used));
}

/* Where the next octets go, behind what is there already: the loop's scratch while that is little, else a buffer that
 * grows with what has come. \returns NULL: no memory */
static uint8_t *where_to_read(struct dia_stream *s)
{
	uint8_t *scratch = dia_loop_scratch(s->loop);

	if (s->in_len > DIA_LOOP_SCRATCH)
		return stream_grow(s, &s->in, &s->in_room, s->in_len, s->in_len + DIA_LOOP_SCRATCH) ? s->in : NULL;
	if (s->in_len)
		memcpy(scratch, s->in, s->in_len);
	return scratch;
}

/* Read once, work off. \returns false: the stream has ended */
static bool stream_read(struct dia_stream *s, unsigned *budget)
{
	uint8_t *to = where_to_read(s);
	struct dia_loop *l = s->loop;
	size_t len;
	ssize_t n;
	bool alive, more;

	if (!to)
		return stream_end(s, DIA_STREAM_MEMORY, 0, nothing);
	n = s->way->ops->read(s->way, s->f.fd, to + s->in_len, DIA_LOOP_SCRATCH, &more);
	if (n <= 0 && n != -EAGAIN)
		return stream_lost(s, (int)n);
	s->readable = s->leaving || more;
	if (n < 0)
		return true;
	len = s->in_len + (size_t)n;
	if (to == s->in)
		s->in_len = len;
	alive = work_off(s, span_of(to, len), budget);
	if (to == dia_loop_scratch(l))
		explicit_bzero(to, len);
	return alive;
}

/* A read behind which there is more, and that came to no message, costs as much as one: who sends small pieces has no more of the
 * turn. */
static bool read_once(struct dia_stream *s, unsigned *budget)
{
	unsigned before = *budget;

	if (!stream_read(s, budget))
		return false;
	*budget -= s->readable && *budget == before;
	return true;
}

static bool on_connect_event(struct dia_stream *s, uint32_t events)
{
	int rc = 0;
	socklen_t len = sizeof(rc);

	if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return true;
	s->connecting = false;
	if (getsockopt(s->f.fd, SOL_SOCKET, SO_ERROR, &rc, &len) < 0)
		rc = errno;
	if (rc || !s->beginning)
		s->ops->on_connected(s, -rc);
	return !rc && !s->ended;
}

/* Beginning of another way. */

void dia_stream_way(struct dia_stream *s, struct dia_way *w, bool begun)
{
	if (begun) {
		s->way = w;
		return;
	}
	s->next_way = w;
	s->beginning = true;
	dia_loop_again(s->loop, &s->f);
}

/* What was written goes the old way.
 * \returns 0; -EAGAIN it is not sent yet; -errno */
static int leave_old_way(struct dia_stream *s)
{
	int rc = try_send(s);

	if (rc == 0 && dia_stream_unsent(s))
		rc = -EAGAIN;
	if (rc < 0)
		return rc;
	s->way = s->next_way;
	s->next_way = NULL;
	return 0;
}

/* \returns true: octets flow. \param[out] soon call again in the next turn */
static bool stream_begin(struct dia_stream *s, bool *soon)
{
	int rc = 0;

	*soon = false;
	if (s->next_way && s->in_len)
		return stream_end(s, DIA_STREAM_EARLY, 0, nothing);
	if (s->next_way)
		rc = leave_old_way(s);
	if (rc == 0)
		rc = s->way->ops->begin(s->way, s->f.fd);
	*soon = rc == -EBUSY;
	if (rc > 0 && !s->leaving)
		dia_loop_timer(s->loop, &s->stuck, (uint64_t)rc);
	else if (rc && rc != -EAGAIN && rc != -EBUSY)
		stream_lost(s, rc > 0 ? 0 : rc);
	if (rc)
		return false;
	dia_loop_timer_stop(s->loop, &s->stuck);
	s->beginning = false;
	s->ops->on_connected(s, 0);
	return !s->ended;
}

static bool may_read(const struct dia_stream *s)
{
	return !s->paused && !s->beginning && dia_stream_unsent(s) <= DIA_STREAM_HOLD;
}

static bool dia_stream_on_ready(struct dia_fd *f, uint32_t events, unsigned *budget)
{
	struct dia_stream *s = (struct dia_stream *)f;
	bool soon;

	s->leaving |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	s->readable |= s->leaving || events & (s->way->ops->any_event_reads ? EPOLLIN | EPOLLOUT : EPOLLIN);
	if (s->ended || (s->connecting && !on_connect_event(s, events)) || s->connecting)
		return false;
	if (s->beginning && !stream_begin(s, &soon))
		return soon;
	if (s->paused && s->leaving)
		return stream_end(s, DIA_STREAM_CLOSED, 0, nothing);
	if (s->held && may_read(s) && !work_off(s, span_of(s->in, s->in_len), budget))
		return false;
	while (s->readable && !s->held && *budget && may_read(s)) {
		if (!read_once(s, budget))
			return false;
	}
	if (s->paused && s->leaving)
		return stream_end(s, DIA_STREAM_CLOSED, 0, nothing);
	if (s->held && may_read(s))
		return true; /* called again soon: what is written leaves with the rest */
	return flush(s) && (s->readable || s->held) && may_read(s);
}

int dia_stream_init(struct dia_stream *s, struct dia_loop *l, int fd, bool connecting, size_t msg_max,
		    const struct dia_stream_ops *ops)
{
	*s = (struct dia_stream){ .f = { .fd = fd, .on_ready = dia_stream_on_ready },
				  .loop = l,
				  .ops = ops,
				  .way = &dia_way_tcp,
				  .msg_max = msg_max,
				  .connecting = connecting,
				  .stuck.on_time = on_stuck };
	return dia_loop_add(l, &s->f);
}

struct span dia_stream_unread(const struct dia_stream *s)
{
	return span_of(s->in, s->in_len);
}

int dia_stream_release(struct dia_stream *s, struct dia_way **way)
{
	int fd = s->f.fd;

	dia_loop_del(s->loop, &s->f);
	s->f.fd = -1;
	*way = s->way;
	s->way = &dia_way_tcp;
	s->ended = true;
	return fd;
}

bool dia_stream_feed(struct dia_stream *s, struct span octets)
{
	if (!stream_grow(s, &s->in, &s->in_room, 0, octets.len))
		return false;
	memcpy(s->in, octets.p, octets.len);
	s->in_len = octets.len;
	s->held = true;
	dia_loop_again(s->loop, &s->f);
	return true;
}

void dia_stream_clear(struct dia_stream *s, bool reset)
{
	struct linger now = { .l_onoff = 1 };

	dia_loop_timer_stop(s->loop, &s->stuck);
	if (s->f.fd >= 0) {
		dia_loop_del(s->loop, &s->f);
		if (reset)
			setsockopt(s->f.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		s->way->ops->free(s->way);
		if (s->next_way)
			s->next_way->ops->free(s->next_way);
		close(s->f.fd);
	}
	dia_buffer_free(&s->in, &s->in_room);
	dia_buffer_free(&s->out, &s->out_room);
	s->ended = true;
}
