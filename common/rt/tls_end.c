/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/tls_end.h"

#include "common/base/clock.h"
#include "common/dia/dia_cert.h"
#include "common/rt/log_cat.h"

#define LOOK_S 3600 /* the wall clock may be set meanwhile */

static void tls_end_look(void *end)
{
	struct tls_end *e = end;
	time_t left = e->at - (time_t)(clock_wall_ms() / 1000);
	char text[80];

	osmo_timer_schedule(&e->look, LOOK_S, 0);
	if (!dia_cert_say_end(&e->said_ms, clock_mono_ms(), left))
		return;
	dia_cert_left(text, sizeof(text), left);
	if (left > 0)
		LOGT(DRT, LOGL_NOTICE, "%s: our %s: %s\n", e->of, text, e->path);
	else
		LOGT(DRT, LOGL_ERROR, "%s: our certificate has expired%s: %s\n", e->of, e->then, e->path);
}

void tls_end_begin(struct tls_end *e, time_t at)
{
	e->at = at;
	e->said_ms = 0;
	osmo_timer_setup(&e->look, tls_end_look, e);
	tls_end_look(e);
}

void tls_end_stop(struct tls_end *e)
{
	osmo_timer_del(&e->look);
}

void tls_end_text(char out[DATE_TIME_LEN + 1], const struct tls_end *e)
{
	out[0] = '\0';
	(void)date_time_format(out, e->at);
}
