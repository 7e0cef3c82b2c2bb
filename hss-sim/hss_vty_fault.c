/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands of the behaviours, made of the rows of fault.h. Live. */
#include <errno.h>
#include <stdlib.h>
#include <osmocom/core/utils.h>
#include <talloc.h>
#include "common/base/clock.h"
#include "hss-sim/fault_line.h"
#include "hss-sim/fault_orders.h"
#include "hss-sim/hss_vty_in.h"

#define FAULT_STR "What goes wrong on purpose, for testers\nEvery subscriber\nThis subscriber\n"

static struct faults *vty_faults;

/* One command: a behaviour with or without its two limits. */
struct fault_cmd {
	struct cmd_element e; /* first */
	enum fault_kind kind;
	bool times, seconds;
};

static int run_fault(struct cmd_element *self, struct vty *vty, int argc, const char *argv[])
{
	const struct fault_cmd *c = (const struct fault_cmd *)self;
	const char *words[FAULT_WORDS_MAX] = { fault_about(c->kind)->name };
	struct err why = { "" };
	struct fault f;
	size_t n = 1;
	int at = 1;

	if (fault_about(c->kind)->value != FAULT_VALUE_NONE)
		words[n++] = argv[at++];
	if (c->times) {
		words[n++] = "times";
		words[n++] = argv[at++];
	}
	if (c->seconds) {
		words[n++] = "seconds";
		words[n++] = argv[at];
	}
	if (fault_words_read(&f, argv[0], words, n, &why) < 0)
		return cfg_fail(vty, "%s", why.text);
	if (fault_set(vty_faults, &f, clock_mono_ms()) < 0)
		return cfg_fail(vty, "more than %d faults", FAULTS_MAX);
	return CMD_SUCCESS;
}

/* How its value is written in a command: "<1-3600>", "(a|b)", "HOST". \returns talloc'ed */
static char *value_syntax(void *ctx, const struct fault_about *a)
{
	char *s;

	switch (a->value) {
	case FAULT_VALUE_NUMBER:
		return talloc_asprintf(ctx, " <%u-%u>", (unsigned)a->min, (unsigned)a->max);
	case FAULT_VALUE_WORD:
		s = talloc_strdup(ctx, " (");
		for (size_t i = 0; a->words[i]; i++)
			s = talloc_asprintf_append(s, "%s%s", i ? "|" : "", a->words[i]);
		return talloc_asprintf_append(s, ")");
	case FAULT_VALUE_HOST:
		return talloc_strdup(ctx, " HOST");
	case FAULT_VALUE_HOSTS:
		return talloc_strdup(ctx, " HOSTS");
	default:
		return talloc_strdup(ctx, "");
	}
}

static void install_fault(void *ctx, enum fault_kind kind, bool times, bool seconds)
{
	const struct fault_about *a = fault_about(kind);
	struct fault_cmd *c = talloc_zero(ctx, struct fault_cmd);

	c->kind = kind;
	c->times = times;
	c->seconds = seconds;
	c->e.func = run_fault;
	c->e.string = talloc_asprintf(c, "fault (all|IMPI) %s%s%s%s", a->name, value_syntax(c, a),
				      times ? " times <1-" OSMO_STRINGIFY_VAL(FAULT_TIMES_MAX) ">" : "",
				      seconds ? " seconds <1-" OSMO_STRINGIFY_VAL(FAULT_S_MAX) ">" : "");
	c->e.doc = talloc_asprintf(c, FAULT_STR "%s\n%s%s%s%s", a->help, a->value_help ? a->value_help : "",
				   a->value_help && a->value != FAULT_VALUE_WORD ? "\n" : "",
				   times ? "Only so often\nNumber of requests\n" : "",
				   seconds ? "Only for so long\nSeconds from now\n" : "");
	install_element(CONFIG_NODE, &c->e);
}

DEFUN(no_fault, no_fault_cmd, "no fault (all|IMPI)",
      NO_STR "What goes wrong on purpose\nThose of every subscriber\nThose of this subscriber\n")
{
	if (!fault_clear(vty_faults, argv[0]))
		return cfg_fail(vty, "no fault %s", argv[0]);
	return CMD_SUCCESS;
}

static int load_file(const char *path, struct err *err)
{
	struct import_content text = { 0 };
	struct err why = { "" };
	int rc;

	rc = hss_vty_file(&text, path, FAULT_SCENARIO_MAX, err);
	if (rc < 0)
		return rc;
	rc = fault_orders_scenario(span_of(text.p, text.len), &why);
	free(text.p);
	return rc < 0 ? err_set(err, rc, "%.100s: %.400s", path, why.text) : 0;
}

DEFUN(scenario_load, scenario_load_cmd, "scenario load FILE",
      "What goes wrong on purpose, from a file\nIn the place of all faults there are\n"
      "A path; the file has a line for each: subscriber all|IMPI: BEHAVIOUR [VALUE] [times N] [seconds S]\n")
{
	struct err why = { "" };

	if (load_file(argv[0], &why) < 0) {
		vty_out(vty, "%% %s%s", why.text, VTY_NEWLINE);
		return CMD_WARNING;
	}
	vty_out(vty, "%zu behaviours%s", vty_faults->n, VTY_NEWLINE);
	return CMD_SUCCESS;
}

static void write_fault(struct vty *vty, const struct fault *f, uint64_t now_ms)
{
	char buf[16];
	const char *value = fault_value_text(f, buf);

	vty_out(vty, "fault %s %s%s%s", f->who, fault_about(f->kind)->name, *value ? " " : "", value);
	if (f->times)
		vty_out(vty, " times %u", f->times);
	if (f->seconds)
		vty_out(vty, " seconds %u", (unsigned)fault_seconds_left(f, now_ms));
	vty_out(vty, "%s", VTY_NEWLINE);
}

/* A file has one of each who and sort: those whose turn it is. */
static int write_faults(struct vty *vty)
{
	const uint64_t now_ms = clock_mono_ms();

	fault_expire(vty_faults, now_ms);
	for (size_t i = 0; i < vty_faults->n; i++)
		if (vty_faults->f[i].begun)
			write_fault(vty, &vty_faults->f[i], now_ms);
	return CMD_SUCCESS;
}

DEFUN(show_faults, show_faults_cmd, "show faults",
      SHOW_STR "What goes wrong on purpose, what waits for its turn, and how often each was done\n")
{
	const uint64_t now_ms = clock_mono_ms();

	fault_expire(vty_faults, now_ms);
	for (size_t i = 0; i < vty_faults->n; i++) {
		if (!vty_faults->f[i].begun)
			vty_out(vty, "waits: ");
		write_fault(vty, &vty_faults->f[i], now_ms);
	}
	fault_orders_say_done(vty);
	return CMD_SUCCESS;
}

static struct cmd_node fault_node = { .node = FAULT_NODE, .prompt = "", .vtysh = 1 };

void hss_vty_fault_init(struct hss_cfg *c)
{
	vty_faults = &c->faults;
	install_node(&fault_node, write_faults);
	for (int kind = 0; kind < FAULT_KINDS; kind++)
		for (int limits = 0; limits < 4; limits++)
			install_fault(c, (enum fault_kind)kind, limits & 1, limits & 2);
	install_element(CONFIG_NODE, &no_fault_cmd);
	install_element(ENABLE_NODE, &scenario_load_cmd);
	install_element_ve(&show_faults_cmd);
}
