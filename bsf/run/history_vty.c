/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/history_vty.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "bsf/zn/given.h"
#include "common/gba/gba_time.h"
#include "common/gba/run_id.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/pseudonym.h"

static struct ub_history *history;

static bool read_impi(struct vty *vty, struct impi *out, const char *word)
{
	if (impi_parse(out, (const uint8_t *)word, strlen(word)) == 0)
		return true;
	vty_out(vty, "%% %s is no IMPI; allowed: user@domain%s", word, VTY_NEWLINE);
	return false;
}

static void past_out(struct vty *vty, const struct ub_past *p, const char *cause)
{
	const char *variant = gba_variant_name(p->variant);
	char at[DATE_TIME_LEN + 1] = "-", run[RUN_ID_LEN + 1] = "-";

	(void)date_time_format(at, p->at_s);
	if (p->has_rand)
		run_id(run, p->rand);
	vty_out(vty, "%-20s %-9s %-18s %-8s %-7s %-23s %s", at, p->step, cause, run, variant ? variant : "-", p->device,
		p->hss);
}

#define PAST_HEAD "at                   step      cause              run      variant device                  hss"

/* Who got a key of its last session. */
static void given_out(struct vty *vty, const char *impi)
{
	char at[DATE_TIME_LEN + 1], run[RUN_ID_LEN + 1];
	struct zn_given g;

	if (!zn_given_of(&g, impi))
		return;
	run_id(run, g.btid.rand);
	vty_out(vty, "keys of run %s have%s", run, VTY_NEWLINE);
	for (size_t i = 0; i < g.n; i++) {
		if (date_time_format(at, (time_t)g.nafs[i].at_s) < 0)
			strcpy(at, "-");
		vty_out(vty, "%-20s %s, asked %u times%s", at, g.nafs[i].naf, g.nafs[i].times, VTY_NEWLINE);
	}
}

DEFUN(show_subscriber, show_subscriber_cmd, "show subscriber IMPI",
      SHOW_STR "The last runs of a subscriber, and why they ended\n"
	       "user@domain\n")
{
	struct ub_past runs[UB_HISTORY_RUNS];
	char word[PSEUDONYM_LEN + 1];
	struct impi impi;
	size_t n;

	if (!read_impi(vty, &impi, argv[0]))
		return CMD_WARNING;
	n = ub_history_of(history, impi.s, runs);
	pseudonym(word, impi.s);
	vty_out(vty, "sub=%s, %zu runs of at most %d, the newest first%s", word, n, UB_HISTORY_RUNS, VTY_NEWLINE);
	if (n)
		vty_out(vty, "%s%s", PAST_HEAD, VTY_NEWLINE);
	else
		vty_out(vty, "no request with this IMPI since the start, or others have come since%s", VTY_NEWLINE);
	for (size_t i = 0; i < n; i++) {
		past_out(vty, &runs[i], cause_name(runs[i].cause));
		vty_out(vty, "%s", VTY_NEWLINE);
	}
	given_out(vty, impi.s);
	return CMD_SUCCESS;
}

static void show_causes(struct vty *vty)
{
	char sub[PSEUDONYM_LEN + 1];
	struct ub_past p;

	vty_out(vty, "the last failure by cause%s%s%s", VTY_NEWLINE, PAST_HEAD "; count, subscriber", VTY_NEWLINE);
	for (int c = 0; c < CAUSE_COUNT; c++) {
		if (!ub_history_cause(history, (enum cause)c, &p, sub))
			continue;
		past_out(vty, &p, cause_name((enum cause)c));
		vty_out(vty, "; %" PRIu64 ", sub=%s%s", counter_get((enum cause)c), sub, VTY_NEWLINE);
	}
}

static int more_failures(const void *a, const void *b)
{
	const struct ub_device *x = a, *y = b;

	return (x->failures < y->failures) - (x->failures > y->failures);
}

static void show_devices(struct vty *vty)
{
	struct ub_device *d = calloc(UB_HISTORY_DEVICES, sizeof(*d));
	size_t n = d ? ub_history_devices(history, d) : 0;

	if (n)
		qsort(d, n, sizeof(*d), more_failures);
	vty_out(vty, "failures by device (first word of User-Agent), the most first%s", VTY_NEWLINE);
	vty_out(vty, "%-23s %10s %10s  last%s", "device", "requests", "failures", VTY_NEWLINE);
	for (size_t i = 0; i < n; i++) {
		vty_out(vty, "%-23s %10" PRIu64 " %10" PRIu64 "  ", d[i].device, d[i].requests, d[i].failures);
		if (d[i].failures)
			past_out(vty, &d[i].last, cause_name(d[i].last.cause));
		vty_out(vty, "%s", VTY_NEWLINE);
	}
	free(d);
}

DEFUN(show_failures, show_failures_cmd, "show failures", SHOW_STR "The last failure by cause, and by device\n")
{
	show_causes(vty);
	show_devices(vty);
	return CMD_SUCCESS;
}

#define TRACE_HELP \
	"Each step of a subscriber's runs as a line in the log, whatever levels say but notice\n" \
	"user@domain\n"

DEFUN(trace, trace_cmd, "trace IMPI <1-3600>", TRACE_HELP "Seconds\n")
{
	struct impi impi;

	if (!read_impi(vty, &impi, argv[0]))
		return CMD_WARNING;
	if (ub_history_trace(history, impi.s, (uint32_t)strtoul(argv[1], NULL, 10)) < 0) {
		vty_out(vty, "%% %d subscribers are traced already; allowed: wait, or no trace%s", UB_HISTORY_TRACES,
			VTY_NEWLINE);
		return CMD_WARNING;
	}
	if (!log_relay_enabled(DUB, LOGL_NOTICE))
		vty_out(vty, "%% but the level of ub hides it: logging level ub notice%s", VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(no_trace, no_trace_cmd, "no trace IMPI", NO_STR TRACE_HELP)
{
	struct impi impi;

	if (!read_impi(vty, &impi, argv[0]))
		return CMD_WARNING;
	(void)ub_history_trace(history, impi.s, 0);
	return CMD_SUCCESS;
}

void history_vty_init(struct ub_history *h)
{
	history = h;
	install_element_ve(&show_subscriber_cmd);
	install_element_ve(&show_failures_cmd);
	install_element(ENABLE_NODE, &trace_cmd);
	install_element(ENABLE_NODE, &no_trace_cmd);
}
