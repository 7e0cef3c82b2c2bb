/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/tls_certs.h"

#include <errno.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/base/clock.h"
#include "common/dia/dia_cert.h"
#include "common/gba/gba_time.h"
#include "common/rt/daemon.h"
#include "common/rt/log_cat.h"

#define LOOK_S 3600 /* the wall clock may be set meanwhile */

static struct tls_cert *certs; /* in the order they began */

/* --- its end */

static void tls_certs_look(void *cert)
{
	struct tls_cert *c = cert;
	time_t left = c->at - (time_t)(clock_wall_ms() / 1000);
	char text[80];

	osmo_timer_schedule(&c->look, LOOK_S, 0);
	if (!dia_cert_say_end(&c->said_ms, clock_mono_ms(), left))
		return;
	dia_cert_left(text, sizeof(text), left);
	if (left > 0)
		LOGT(DRT, LOGL_NOTICE, "%s: our %s: %s\n", c->of, text, c->certificate);
	else
		LOGT(DRT, LOGL_ERROR, "%s: our certificate has expired%s: %s\n", c->of, c->then, c->certificate);
}

/* "": there is none */
static const char *cert_end(char out[DATE_TIME_LEN + 1], const struct tls_cert *c)
{
	out[0] = '\0';
	(void)date_time_format(out, c->at);
	return out;
}

/* --- read again */

static int reload_one(struct tls_cert *c, struct err *err)
{
	char end[DATE_TIME_LEN + 1];
	int rc = c->reload(c->owner, err);

	if (rc < 0)
		LOGT(DRT, LOGL_ERROR, "%s: not reloaded, the former stays: %s\n", c->of, err->text);
	else
		LOGT(DRT, LOGL_NOTICE, "%s: reloaded for new connections, until %s: %s\n", c->of, cert_end(end, c),
		     c->certificate);
	return rc;
}

static void tls_certs_on_hangup(void)
{
	struct err err = { "" };

	for (struct tls_cert *c = certs; c; c = c->next)
		(void)reload_one(c, &err);
}

#define TLS_CERTS_STR "Our certificates\n"

DEFUN(tls_reload, tls_reload_cmd, "tls reload",
      TLS_CERTS_STR
      "Read certificate, key and CAs again, for new connections; what is wrong with them leaves all as it was\n")
{
	char end[DATE_TIME_LEN + 1];
	int rc = CMD_SUCCESS;

	if (!certs)
		vty_out(vty, "%% not reloaded: no certificate is configured%s", VTY_NEWLINE);
	for (struct tls_cert *c = certs; c; c = c->next) {
		struct err err = { "" };

		if (reload_one(c, &err) == 0) {
			vty_out(vty, "reloaded: until %s%s", cert_end(end, c), VTY_NEWLINE);
			continue;
		}
		vty_out(vty, "%% not reloaded: %s%s", err.text, VTY_NEWLINE);
		rc = CMD_WARNING;
	}
	return certs ? rc : CMD_WARNING;
}

DEFUN(show_tls, show_tls_cmd, "show tls", SHOW_STR TLS_CERTS_STR)
{
	char end[DATE_TIME_LEN + 1];

	if (!certs)
		vty_out(vty, "no certificate is configured%s", VTY_NEWLINE);
	for (const struct tls_cert *c = certs; c; c = c->next) {
		vty_out(vty, "certificate %s, until %s%s", c->certificate, cert_end(end, c), VTY_NEWLINE);
		vty_out(vty, "key         %s%s", c->key, VTY_NEWLINE);
		if (c->ca)
			vty_out(vty, "ca          %s%s", c->ca, VTY_NEWLINE);
	}
	return CMD_SUCCESS;
}

/* --- which there are */

void tls_certs_init(void)
{
	static bool installed;

	if (installed)
		return;
	installed = true;
	install_element(ENABLE_NODE, &tls_reload_cmd);
	install_element_ve(&show_tls_cmd);
	rt_on_hangup(tls_certs_on_hangup);
}

static struct tls_cert **cert_place(const struct tls_cert *c)
{
	struct tls_cert **at = &certs;

	while (*at && *at != c)
		at = &(*at)->next;
	return at;
}

void tls_certs_use(struct tls_cert *c, time_t at)
{
	struct tls_cert **place = cert_place(c);

	if (!*place)
		*place = c;
	c->at = at;
	c->said_ms = 0;
	osmo_timer_setup(&c->look, tls_certs_look, c);
	tls_certs_look(c);
}

void tls_certs_drop(struct tls_cert *c)
{
	struct tls_cert **place = cert_place(c);

	if (!*place)
		return;
	*place = c->next;
	c->next = NULL;
	osmo_timer_del(&c->look);
}
