/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands that every daemon has. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "common/crypto/rng.h"
#include "common/gba/gba_time.h"
#include "common/rt/counters.h"
#include "common/rt/ctl.h"
#include "config.h"

static void add_commands(json_t *list, const struct ctl_command *c)
{
	for (; c->words; c++)
		json_array_append_new(list,
				      json_pack("{sssssbsbss}", "command", c->words, "arguments", c->args, "document",
						c->document_max > 0, "changes", c->changes, "help", c->help));
}

static void run_commands(struct ctl_request *q)
{
	json_t *list = json_array();

	add_commands(list, ctl_common);
	add_commands(list, ctl_daemon()->commands);
	ctl_ok(q, json_pack("{so}", "commands", list));
}

static void add_counter(void *into, const char *name, uint64_t n)
{
	json_object_set_new(into, name, json_integer((json_int_t)n));
}

static void run_figures(struct ctl_request *q)
{
	json_t *counters = json_object(), *figures = json_object();

	counters_each(add_counter, counters);
	if (ctl_daemon()->figures)
		ctl_daemon()->figures(figures);
	ctl_ok(q, json_pack("{soso}", "counters", counters, "figures", figures));
}

static char generation[17], started[DATE_TIME_LEN + 1];

int ctl_generation_make(void)
{
	uint64_t n;

	if (rng_fill(&n, sizeof(n)) < 0 || date_time_format(started, time(NULL)) < 0)
		return -EIO;
	snprintf(generation, sizeof(generation), "%016" PRIx64, n);
	return 0;
}

static void run_generation(struct ctl_request *q)
{
	ctl_ok(q, json_pack("{sssssssssi}", "generation", generation, "started", started, "daemon", ctl_daemon()->name,
			    "version", PACKAGE_VERSION, "pid", (int)getpid()));
}

const struct ctl_command ctl_common[] = {
	{ .words = "commands", .args = "", .help = "What can be ordered here", .run = run_commands },
	{ .words = "figures", .args = "", .help = "Counters of causes, and gauges", .run = run_figures },
	{ .words = "generation?",
	  .args = "",
	  .help = "A word that is another one after each start: what lived in memory only is gone",
	  .run = run_generation },
	{ 0 },
};
