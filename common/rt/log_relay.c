/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/log_cat.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <osmocom/core/utils.h>
#include "common/base/clock.h"
#include "common/rt/deadline.h"
#include "common/rt/inbox.h"
#include "common/rt/log_form.h"
#include "common/rt/log_line.h"

#define LINES_WAITING_MAX 8192
#define LINE_MAX_OCTETS   2048
#define RATE_BURST        60 /* peer-caused lines a minute and category */
#define RATE_WINDOW_MS    60000
#define LEVEL_OFF         127

static const struct log_info_cat categories[LOG_CAT_COUNT] = {
	[DUB] = { .name = "DUB", .description = "Ub: bootstrapping by HTTP", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DZH] = { .name = "DZH", .description = "Zh: vectors and GUSS", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DZN] = { .name = "DZN", .description = "Zn: keys for NAFs", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DSTORE] = { .name = "DSTORE",
		     .description = "Store and subscriber database",
		     .enabled = 1,
		     .loglevel = LOGL_NOTICE },
	[DNAF] = { .name = "DNAF", .description = "NAF side", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DCFG] = { .name = "DCFG", .description = "Configuration", .enabled = 1, .loglevel = LOGL_NOTICE },
	[DRT] = { .name = "DRT",
		  .description = "Start, stop, threads, Diameter library",
		  .enabled = 1,
		  .loglevel = LOGL_NOTICE },
};

const struct log_info gba_log_info = { .cat = categories, .num_cat = ARRAY_SIZE(categories) };

struct line {
	struct inbox_item item;
	struct timespec at; /* when it was logged, not when it was written */
	const char *file;   /* a literal */
	int cat, level, line;
	char text[];
};

static atomic_int lowest[LOG_CAT_COUNT] = {
	LEVEL_OFF, LEVEL_OFF, LEVEL_OFF, LEVEL_OFF, LEVEL_OFF, LEVEL_OFF, LEVEL_OFF,
};
static struct inbox *_Atomic relay;
static atomic_ulong dropped;
static _Thread_local bool is_main; /* the thread that started the relay writes without the detour */

static void write_line(int cat, int level, const char *file, int line, const struct timespec *at, const char *text)
{
	static const struct timespec now;

	log_form_adopt();
	log_form_at(at ? at : &now);
	LOGPSRC(cat, level, file, line, "%s", text);
	log_form_at(&now);
}

static void report_dropped(void)
{
	unsigned long n = atomic_exchange(&dropped, 0);

	if (n)
		LOGP(DRT, LOGL_ERROR, "%lu log lines dropped: more than %d were waiting\n", n, LINES_WAITING_MAX);
}

static void run_line(void *owner, struct inbox_item *item, bool stopping)
{
	struct line *l = (struct line *)item;

	write_line(l->cat, l->level, l->file, l->line, &l->at, l->text);
	free(l);
	report_dropped();
}

void log_relay_refresh(void)
{
	static const int levels[] = { LOGL_DEBUG, LOGL_INFO, LOGL_NOTICE, LOGL_ERROR, LOGL_FATAL };
	int cat;

	if (!osmo_log_info)
		return;
	log_form_adopt();
	for (cat = 0; cat < LOG_CAT_COUNT; cat++) {
		int low = LEVEL_OFF;
		size_t i;

		for (i = 0; i < ARRAY_SIZE(levels); i++) {
			if (log_check_level(cat, levels[i])) {
				low = levels[i];
				break;
			}
		}
		atomic_store_explicit(&lowest[cat], low, memory_order_relaxed);
	}
}

int log_relay_init(void)
{
	struct inbox *in = inbox_new(LINES_WAITING_MAX, NULL);
	int rc;

	if (!in)
		return -ENOMEM;
	rc = inbox_attach(in);
	if (rc < 0) {
		inbox_free(in);
		return rc;
	}
	is_main = true;
	log_relay_refresh();
	atomic_store(&relay, in);
	return 0;
}

void log_relay_stop(void)
{
	struct inbox *in = atomic_exchange(&relay, NULL);

	inbox_free(in);
	report_dropped();
}

void log_relay_run(void)
{
	struct inbox *in = atomic_load(&relay);

	if (in && is_main)
		inbox_run(in);
}

bool log_relay_enabled(int cat, int level)
{
	return (unsigned)cat < LOG_CAT_COUNT && level >= atomic_load_explicit(&lowest[cat], memory_order_relaxed);
}

void log_relay(int cat, int level, const char *file, int line, const char *fmt, ...)
{
	struct inbox *in = atomic_load(&relay);
	char text[LINE_MAX_OCTETS];
	struct line *l;
	va_list ap;
	int n;

	if (!osmo_log_info)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(text)) {
		n = sizeof(text) - 1;
		text[n - 1] = '\n';
	}
	log_line_harmless(text);
	if (!in || is_main) {
		write_line(cat, level, file, line, NULL, text);
		return;
	}
	l = malloc(sizeof(*l) + n + 1);
	if (l) {
		*l = (struct line){ .item.run = run_line, .file = file, .line = line, .cat = cat, .level = level };
		clock_gettime(CLOCK_REALTIME, &l->at);
		memcpy(l->text, text, n + 1);
		if (inbox_post(in, &l->item) == 0)
			return;
		free(l);
	}
	atomic_fetch_add(&dropped, 1);
}

bool log_rate_ok(int cat)
{
	static atomic_uint_fast64_t window_start[LOG_CAT_COUNT];
	static atomic_uint count[LOG_CAT_COUNT];
	uint64_t now = clock_mono_ms(), start;
	unsigned n;

	if ((unsigned)cat >= LOG_CAT_COUNT)
		return false;
	start = atomic_load(&window_start[cat]);
	if ((start == 0 || now - start >= RATE_WINDOW_MS) &&
	    atomic_compare_exchange_strong(&window_start[cat], &start, now ? now : 1)) {
		n = atomic_exchange(&count[cat], 0);
		if (n > RATE_BURST)
			LOGT(cat, LOGL_NOTICE, "%u lines like the following were left out\n", n - RATE_BURST);
	}
	return atomic_fetch_add(&count[cat], 1) < RATE_BURST;
}
