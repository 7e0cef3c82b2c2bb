/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/tls_keep.h"

#include <errno.h>
#include <osmocom/core/timer.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/base/clock.h"
#include "common/dia/dia_cert.h"
#include "common/gba/gba_time.h"
#include "common/rt/daemon.h"
#include "common/rt/log_cat.h"

#define LOOK_S 3600 /* the wall clock may be set meanwhile */

static struct {
	const struct tls_cfg *cfg;
	const char *identity;
	SSL_CTX *ctx; /* NULL: no TLS */
	tls_keep_share_fn *share;
	void *owner;
	struct osmo_timer_list look;
	uint64_t said_ms; /* that it ends soon; 0: not of this one yet */
} keep;

static void look_at_end(void *unused)
{
	time_t left = dia_cert_own_expires(keep.ctx) - (time_t)(clock_wall_ms() / 1000);
	char text[80];

	osmo_timer_schedule(&keep.look, LOOK_S, 0);
	if (!dia_cert_say_end(&keep.said_ms, clock_mono_ms(), left))
		return;
	dia_cert_left(text, sizeof(text), left);
	if (left > 0)
		LOGT(DRT, LOGL_NOTICE, "TLS: our %s: %s\n", text, keep.cfg->certificate);
	else
		LOGT(DRT, LOGL_ERROR, "TLS: our certificate has expired, peers refuse it: %s\n", keep.cfg->certificate);
}

/* Takes ctx. */
static void use(SSL_CTX *ctx)
{
	keep.ctx = ctx;
	keep.said_ms = 0;
	if (!dia_cert_own_is_for(ctx, keep.identity))
		LOGT(DRT, LOGL_NOTICE, "TLS: our certificate is not for %s, so peers need to be told its name: %s\n",
		     keep.identity, keep.cfg->certificate);
	look_at_end(NULL);
}

static int reload(struct err *err)
{
	SSL_CTX *ctx, *former = keep.ctx;

	if (tls_cfg_open(&ctx, keep.cfg, NULL, err) < 0)
		return -EINVAL;
	use(ctx);
	SSL_CTX_free(former);
	if (keep.share(keep.owner, ctx) < 0)
		return err_set(err, -ENOMEM, "no memory: some still have the former; try again");
	return 0;
}

static void date_of_end(char out[DATE_TIME_LEN + 1])
{
	out[0] = '\0';
	(void)date_time_format(out, dia_cert_own_expires(keep.ctx));
}

int tls_keep_reload(struct err *err)
{
	char until[DATE_TIME_LEN + 1];
	int rc;

	if (!keep.ctx)
		return err_set(err, -ENOENT, "no certificate is configured");
	rc = reload(err);
	date_of_end(until);
	if (rc < 0)
		LOGT(DRT, LOGL_ERROR, "TLS: not reloaded, the former stays: %s\n", err->text);
	else
		LOGT(DRT, LOGL_NOTICE, "TLS: reloaded for new connections, until %s: %s\n", until,
		     keep.cfg->certificate);
	return rc;
}

#define TLS_STR "Certificates of Diameter over TLS\n"

DEFUN(tls_reload, tls_reload_cmd, "tls reload",
      TLS_STR
      "Read certificate, key and CAs again, for new connections; what is wrong with them leaves all as it was\n")
{
	struct err err = { "" };
	char until[DATE_TIME_LEN + 1];

	if (tls_keep_reload(&err) < 0) {
		vty_out(vty, "%% not reloaded: %s%s", err.text, VTY_NEWLINE);
		return CMD_WARNING;
	}
	date_of_end(until);
	vty_out(vty, "reloaded: until %s%s", until, VTY_NEWLINE);
	return CMD_SUCCESS;
}

DEFUN(show_tls, show_tls_cmd, "show tls", SHOW_STR TLS_STR)
{
	char until[DATE_TIME_LEN + 1];

	if (!keep.ctx) {
		vty_out(vty, "no certificate is configured%s", VTY_NEWLINE);
		return CMD_SUCCESS;
	}
	date_of_end(until);
	vty_out(vty, "certificate %s, until %s%s", keep.cfg->certificate, until, VTY_NEWLINE);
	vty_out(vty, "key         %s%s", keep.cfg->key, VTY_NEWLINE);
	vty_out(vty, "ca          %s%s", keep.cfg->ca, VTY_NEWLINE);
	return CMD_SUCCESS;
}

static void on_hangup(void)
{
	struct err err;

	if (keep.ctx)
		(void)tls_keep_reload(&err);
}

void tls_keep_begin(SSL_CTX *ctx, const struct tls_cfg *c, const char *identity, tls_keep_share_fn *share, void *owner)
{
	install_element(ENABLE_NODE, &tls_reload_cmd);
	install_element_ve(&show_tls_cmd);
	keep.cfg = c;
	keep.identity = identity;
	keep.share = share;
	keep.owner = owner;
	rt_on_hangup(on_hangup);
	osmo_timer_setup(&keep.look, look_at_end, NULL);
	if (ctx)
		use(ctx);
}

void tls_keep_end(void)
{
	osmo_timer_del(&keep.look);
	SSL_CTX_free(keep.ctx);
	keep.ctx = NULL;
}
