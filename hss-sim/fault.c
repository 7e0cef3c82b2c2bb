/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/fault.h"

#include <errno.h>
#include <string.h>

static bool is_delay(const struct fault *f)
{
	return f->kind == FAULT_DELAY;
}

static struct fault *fault_find(struct faults *t, const char *who, bool delay)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (is_delay(&t->f[i]) == delay && impi_same(t->f[i].who, who))
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
	struct fault *old = fault_find(t, f->who, is_delay(f));

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
	int delay;

	for (delay = 0; delay <= 1; delay++) {
		while ((f = fault_find(t, who, delay))) {
			fault_drop(t, f);
			n++;
		}
	}
	return n;
}

/* \returns true and a copy in out */
static bool fault_do_take(struct faults *t, const char *impi, bool delay, struct fault *out)
{
	struct fault *f = fault_find(t, impi, delay);

	if (!f)
		f = fault_find(t, FAULT_ALL, delay);
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

	if (fault_do_take(t, impi, true, &f))
		e.delay_s = f.value;
	if (fault_do_take(t, impi, false, &f)) {
		e.no_answer = f.kind == FAULT_NO_ANSWER;
		e.result = f.kind == FAULT_RESULT ? f.value : 0;
	}
	return e;
}

bool fault_result_experimental(uint32_t code)
{
	return (code >= 2401 && code <= 2409) || (code >= 5401 && code <= 5409);
}
