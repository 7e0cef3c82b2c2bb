/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/counters.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>

static atomic_uint_fast64_t counters[CAUSE_COUNT];
static const char *const *shown; /* places this daemon has */

void counter_inc(enum cause c)
{
	if ((unsigned)c < CAUSE_COUNT)
		atomic_fetch_add_explicit(&counters[c], 1, memory_order_relaxed);
}

uint64_t counter_get(enum cause c)
{
	return (unsigned)c < CAUSE_COUNT ? atomic_load_explicit(&counters[c], memory_order_relaxed) : 0;
}

/* Is place one of the words of where ("ub or zn")? */
static bool where_has(const char *where, const char *place)
{
	size_t len = strlen(place);
	const char *p;

	for (p = where; *p;) {
		size_t n = strcspn(p, " ");

		if (n == len && memcmp(p, place, n) == 0)
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}

static bool is_shown(enum cause c)
{
	const char *const *w;

	for (w = shown; w && *w; w++) {
		if (where_has(cause_where(c), *w))
			return true;
	}
	return false;
}

void counters_each(void (*fn)(void *into, const char *name, uint64_t n), void *into)
{
	for (int c = 0; c < CAUSE_COUNT; c++) {
		if (is_shown(c))
			fn(into, cause_name(c), counter_get(c));
	}
}

static void show_one(void *into, const char *name, uint64_t n)
{
	struct vty *vty = into;

	vty_out(vty, "%-22s %" PRIu64 "%s", name, n, VTY_NEWLINE);
}

DEFUN(show_counters, show_counters_cmd, "show counters", SHOW_STR "Events since the start, one line for each cause\n")
{
	counters_each(show_one, vty);
	return CMD_SUCCESS;
}

void counters_vty_init(const char *const *where)
{
	shown = where;
	install_element_ve(&show_counters_cmd);
}
