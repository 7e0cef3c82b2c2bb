/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/store/way.h"

#include <check.h>

static void way_do(struct way *w, struct store_req *r)
{
	if (w->fail_rc && r->op == w->fail_op)
		r->rc = w->fail_rc;
	else
		ck_assert(w->inner->be->submit(w->inner, r));
}

static bool way_submit(struct store_shared *sh, struct store_req *r)
{
	struct way *w = (struct way *)sh;
	struct store_req **last = &w->held;

	w->st = r->st;
	if (!w->hold) {
		way_do(w, r);
		if (w->later)
			store_reply(r);
		return !w->later;
	}
	while (*last)
		last = &(*last)->next;
	r->next = NULL;
	*last = r;
	return false;
}

void way_release(struct way *w)
{
	w->hold = false;
	while (w->held) {
		struct store_req *r = w->held;

		w->held = r->next;
		way_do(w, r);
		store_reply(r);
	}
}

static void way_close(struct store *st)
{
	way_release((struct way *)st->sh);
}

static const struct store_backend way_backend = {
	.close = way_close,
	.submit = way_submit,
	.clock_ms = store_clock_here,
};

void way_init(struct way *w, struct store_shared *inner)
{
	*w = (struct way){ .sh = { .be = &way_backend, .pushes = inner->pushes, .marks = inner->marks },
			   .inner = inner };
}

void way_free(struct way *w)
{
	store_shared_free(w->inner);
}
