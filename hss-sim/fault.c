/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/fault.h"

#include <errno.h>
#include <string.h>

/* One of each sort can meet the others. */
enum sort { SORT_DELAY, SORT_OUTCOME, SORT_VECTOR, SORT_GUSS, SORTS };

static const struct {
	const char *name;
	enum sort sort;
	bool has_value;
} kinds[FAULT_KINDS] = {
	[FAULT_DELAY] = { "delay", SORT_DELAY, true },
	[FAULT_NO_ANSWER] = { "no-answer", SORT_OUTCOME, false },
	[FAULT_RESULT] = { "result", SORT_OUTCOME, true },
	[FAULT_WRONG_MAC] = { "wrong-mac", SORT_VECTOR, false },
	[FAULT_STALE_SQN] = { "stale-sqn", SORT_VECTOR, false },
	[FAULT_XRES_LENGTH] = { "xres-length", SORT_VECTOR, true },
	[FAULT_NO_GUSS] = { "no-guss", SORT_GUSS, false },
};

const char *fault_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

bool fault_has_value(enum fault_kind kind)
{
	return kinds[kind].has_value;
}

static struct fault *fault_find(struct faults *t, const char *who, enum sort sort)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (kinds[t->f[i].kind].sort == sort && impi_same(t->f[i].who, who))
			return &t->f[i];
	}
	return NULL;
}

static void fault_drop(struct faults *t, struct fault *f)
{
	size_t after = t->n - (f - t->f) - 1;

	memmove(f, f + 1, after * sizeof(*f)); /* the order is that of the configuration */
	t->n--;
}

int fault_set(struct faults *t, const struct fault *f)
{
	struct fault *old = fault_find(t, f->who, kinds[f->kind].sort);

	if (!old) {
		if (t->n == FAULTS_MAX)
			return -ENOSPC;
		old = &t->f[t->n++];
	}
	*old = *f;
	return 0;
}

size_t fault_clear(struct faults *t, const char *who)
{
	struct fault *f;
	size_t n = 0;

	for (int sort = 0; sort < SORTS; sort++) {
		while ((f = fault_find(t, who, (enum sort)sort))) {
			fault_drop(t, f);
			n++;
		}
	}
	return n;
}

/* \returns true and a copy in out */
static bool fault_do_take(struct faults *t, const char *impi, enum sort sort, struct fault *out)
{
	struct fault *f = fault_find(t, impi, sort);

	if (!f)
		f = fault_find(t, FAULT_ALL, sort);
	if (!f)
		return false;
	*out = *f;
	if (f->times && --f->times == 0)
		fault_drop(t, f);
	return true;
}

struct fault_effect fault_take(struct faults *t, const char *impi)
{
	struct fault_effect e = { 0 };
	struct fault f;

	if (fault_do_take(t, impi, SORT_DELAY, &f))
		e.delay_s = f.value;
	if (fault_do_take(t, impi, SORT_OUTCOME, &f)) {
		e.no_answer = f.kind == FAULT_NO_ANSWER;
		e.result = f.kind == FAULT_RESULT ? f.value : 0;
	}
	if (e.no_answer || e.result)
		return e; /* no vector and no GUSS are given: theirs wait for the next request */
	if (fault_do_take(t, impi, SORT_VECTOR, &f)) {
		e.vector = f.kind;
		e.xres_len = f.value;
	}
	e.no_guss = fault_do_take(t, impi, SORT_GUSS, &f);
	return e;
}

const char *fault_effect_name(const struct fault_effect *e)
{
	if (e->vector)
		return kinds[e->vector].name;
	if (e->no_guss)
		return kinds[FAULT_NO_GUSS].name;
	return e->delay_s ? kinds[FAULT_DELAY].name : NULL;
}

bool fault_result_experimental(uint32_t code)
{
	return (code >= 2401 && code <= 2409) || (code >= 5401 && code <= 5409);
}
