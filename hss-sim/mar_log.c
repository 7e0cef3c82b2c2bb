/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/mar_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/base/clock.h"
#include "common/rt/log_line.h"
#include "hss-sim/fault_orders.h"

static struct mar_note notes[MAR_LOG_MAX];
static size_t n_notes; /* ever made */

void mar_log_add(const struct zh_server_end *e)
{
	struct mar_note *n = &notes[n_notes++ % MAR_LOG_MAX];

	*n = (struct mar_note){ .at_ms = (int64_t)clock_wall_ms(), .cause = e->cause, .result = *e->result };
	if (e->rand)
		run_id(n->run, e->rand);
	snprintf(n->fault, sizeof(n->fault), "%s", e->fault ? e->fault : "");
	snprintf(n->impi, sizeof(n->impi), "%s", e->impi);
	snprintf(n->peer, sizeof(n->peer), "%s", e->peer);
	log_line_harmless(n->impi); /* perhaps nobody's, and not even one */
	log_line_harmless(n->peer);
}

void mar_log_each(const char *impi, void (*fn)(void *owner, const struct mar_note *n), void *owner)
{
	for (size_t i = n_notes > MAR_LOG_MAX ? n_notes - MAR_LOG_MAX : 0; i < n_notes; i++) {
		const struct mar_note *n = &notes[i % MAR_LOG_MAX];

		if (!impi || impi_same(impi, n->impi))
			fn(owner, n);
	}
}

static void when(char out[DATE_TIME_MS_LEN + 1], int64_t at_ms)
{
	if (date_time_ms_format(out, at_ms) < 0)
		strcpy(out, "?");
}

static void result_text(char out[32], const struct result *r)
{
	if (r->experimental)
		snprintf(out, 32, "%" PRIu32 "/%" PRIu32, r->vendor, r->code);
	else
		snprintf(out, 32, "%" PRIu32, r->code);
}

static void note_json(void *list, const struct mar_note *n)
{
	char at[DATE_TIME_MS_LEN + 1], result[32];

	when(at, n->at_ms);
	result_text(result, &n->result);
	json_array_append_new(list,
			      json_pack("{ssssssssssssss}", "at", at, "impi", n->impi, "peer", n->peer, "cause",
					cause_name(n->cause), "result", result, "run", n->run, "fault", n->fault));
}

json_t *mar_log_json(const char *impi)
{
	json_t *list = json_array();

	mar_log_each(impi, note_json, list);
	return list;
}

static void note_vty(void *owner, const struct mar_note *n)
{
	char at[DATE_TIME_MS_LEN + 1], result[32];
	struct vty *vty = owner;

	when(at, n->at_ms);
	result_text(result, &n->result);
	vty_out(vty, "%s %s from %s: %s, result %s%s%s%s%s%s", at, n->impi[0] ? n->impi : "?", n->peer,
		cause_name(n->cause), result, n->run[0] ? ", run " : "", n->run, n->fault[0] ? ", fault " : "",
		n->fault, VTY_NEWLINE);
}

DEFUN(show_mar, show_mar_cmd, "show mar [IMPI]",
      SHOW_STR "The requests that came last, and how each ended\n"
	       "Those for this private identity\n")
{
	mar_log_each(argc ? argv[0] : NULL, note_vty, vty);
	if (argc == 0)
		fault_orders_say_done(vty);
	return CMD_SUCCESS;
}

void mar_log_vty_init(void)
{
	install_element_ve(&show_mar_cmd);
}
