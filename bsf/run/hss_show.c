/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/hss_show.h"

#include <inttypes.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/hss_nodes.h"
#include "common/base/clock.h"

static uint64_t asked_in_all(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < bsf_cfg->n_hss; i++)
		sum += atomic_load(&bsf_cfg->hss[i]->state->asked);
	return sum;
}

/* Why it is not asked in its turn, or is. */
static void show_turn(struct vty *vty, const struct hss_state *s)
{
	uint64_t now = clock_mono_ms(), busy = atomic_load(&s->busy_until_ms), trial = atomic_load(&s->trial_ms);
	uint32_t silent = atomic_load(&s->silent);

	if (!atomic_load(&s->open))
		vty_out(vty, "closed");
	else if (silent >= HSS_SILENT)
		vty_out(vty, "silent, asked last: %" PRIu32 " time-outs running, tried again in %" PRIu64 " s", silent,
			trial > now ? (trial - now + 999) / 1000 : 0);
	else if (busy > now)
		vty_out(vty, "too busy, spared for %" PRIu64 " s", (busy - now + 999) / 1000);
	else
		vty_out(vty, "open");
}

static void show_one(struct vty *vty, const struct bsf_hss *h, uint64_t all)
{
	const struct hss_state *s = h->state;
	uint64_t asked = atomic_load(&s->asked);

	vty_out(vty, "hss %s ", h->identity);
	show_turn(vty, s);
	vty_out(vty, "%s priority %" PRIu32 " load %" PRIu32 " timeout %" PRIu32 " s%s", VTY_NEWLINE, h->priority,
		h->load, h->timeout_s, VTY_NEWLINE);
	vty_out(vty,
		" asked %" PRIu64 " (%" PRIu64 " %%), answered %" PRIu64 ", timed out %" PRIu64 ", lost %" PRIu64
		", too busy %" PRIu64 "%s",
		asked, all ? 100 * asked / all : 0, atomic_load(&s->answered), atomic_load(&s->timed_out),
		atomic_load(&s->lost), atomic_load(&s->too_busy), VTY_NEWLINE);
}

DEFUN(show_hss, show_hss_cmd, "show hss", SHOW_STR "Those we ask for vectors: whose turn it is, what they answer\n")
{
	uint64_t all = asked_in_all();

	for (size_t i = 0; i < bsf_cfg->n_hss; i++)
		show_one(vty, bsf_cfg->hss[i], all);
	return CMD_SUCCESS;
}

void hss_show_init(void)
{
	install_element_ve(&show_hss_cmd);
}
