/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/dia_show.h"

#include <inttypes.h>
#include <osmocom/vty/vty.h>
#include "common/base/clock.h"
#include "dict/gba_ids.h"

static const char *app_name(uint32_t app)
{
	return app == GBA_APP_ZH ? "Zh" : app == GBA_APP_ZN ? "Zn" : "?";
}

void dia_show_history(struct vty *vty, const struct dia_hub_peer_figures *f)
{
	if (!f->since_ms)
		return;
	vty_out(vty, "     for %" PRIu64 " s", (clock_mono_ms() - f->since_ms) / 1000);
	if (f->open && f->connections > 1)
		vty_out(vty, ", %u connections", f->connections);
	if (f->open && f->address[0])
		vty_out(vty, ", %s", f->address);
	if (f->open && f->tls[0])
		vty_out(vty, ", %s %s %s", f->tls, f->names, f->key);
	for (size_t i = 0; f->open && i < f->n_apps; i++)
		vty_out(vty, "%s%s", i ? " " : ", ", app_name(f->apps[i]));
	vty_out(vty, ", requests %" PRIu64 " in %" PRIu64 " out", f->requests_in, f->requests_out);
	if (f->round_trip_us)
		vty_out(vty, ", round trip %" PRIu64 ".%03" PRIu64 " ms", f->round_trip_us / 1000,
			f->round_trip_us % 1000);
	for (size_t i = 0, n = 0; i < DIA_HUB_ERRORS; i++)
		if (f->errors[i].n)
			vty_out(vty, "%s%" PRIu32 " x %" PRIu64, n++ ? ", " : ", errors ", f->errors[i].code,
				f->errors[i].n);
	vty_out(vty, "%s", VTY_NEWLINE);
}

const char *dia_show_state(const struct dia_hub_peer_figures *f)
{
	return f->held_off ? "disconnected" : f->open ? "open" : "closed";
}
