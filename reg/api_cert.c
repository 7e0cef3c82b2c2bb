/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_cert.h"

#include <errno.h>
#include <stdlib.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "common/rt/daemon.h"
#include "common/rt/log_cat.h"
#include "common/rt/tls_end.h"
#include "reg/api_cfg.h"
#include "reg/api_tls.h"

static struct {
	void (*share)(size_t i, struct api_cert *c);
	size_t n; /* addresses; 0: nothing is served */
	struct tls_end end;
} keep;

struct api_cert *api_cert_new(struct err *err)
{
	struct api_cert *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	c->uses = 1;
	if (api_tls_open(&c->c, err) == 0)
		return c;
	free(c);
	return NULL;
}

struct api_cert *api_cert_use(struct api_cert *c, gnutls_session_t session)
{
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, c->c);
	c->uses++;
	return c;
}

void api_cert_drop(struct api_cert *c)
{
	if (!c || --c->uses)
		return;
	gnutls_certificate_free_credentials(c->c);
	free(c);
}

/* --- changed: all addresses, or none */

static int reload(struct err *err)
{
	struct api_cert *all[API_LISTEN_MAX] = { NULL };
	size_t n = 0;

	while (n < keep.n && (all[n] = api_cert_new(err)))
		n++;
	if (n < keep.n) {
		while (n--)
			api_cert_drop(all[n]);
		return -EINVAL;
	}
	tls_end_begin(&keep.end, api_tls_expires(all[0]->c));
	while (n--)
		keep.share(n, all[n]);
	return 0;
}

static int reload_told(struct err *err)
{
	char end[DATE_TIME_LEN + 1];
	int rc = reload(err);

	tls_end_text(end, &keep.end);
	if (rc < 0)
		LOGT(DRT, LOGL_ERROR, "TLS of the API: not reloaded, the former stays: %s\n", err->text);
	else
		LOGT(DRT, LOGL_NOTICE, "TLS of the API: reloaded for new connections, until %s: %s\n", end,
		     api_cfg.certificate.path);
	return rc;
}

static void api_on_hangup(void)
{
	struct err err = { "" };

	if (keep.n)
		(void)reload_told(&err);
}

#define API_TLS_STR "Certificate of the API\n"

DEFUN(api_reload, api_reload_cmd, "tls reload",
      API_TLS_STR
      "Read certificate, key and CAs again, for new connections; what is wrong with them leaves all as it was\n")
{
	struct err err = { "" };
	char end[DATE_TIME_LEN + 1];

	if (!keep.n)
		err_set(&err, -ENOENT, "no certificate is configured");
	if (!keep.n || reload_told(&err) < 0) {
		vty_out(vty, "%% not reloaded: %s%s", err.text, VTY_NEWLINE);
		return CMD_WARNING;
	}
	tls_end_text(end, &keep.end);
	vty_out(vty, "reloaded: until %s%s", end, VTY_NEWLINE);
	return CMD_SUCCESS;
}

static void show_file(struct vty *vty, const char *what, const char *path)
{
	if (path)
		vty_out(vty, "%-11s %s%s", what, path, VTY_NEWLINE);
}

DEFUN(show_api_tls, show_api_tls_cmd, "show tls", SHOW_STR API_TLS_STR)
{
	char end[DATE_TIME_LEN + 1];

	if (!keep.n) {
		vty_out(vty, "no certificate is configured%s", VTY_NEWLINE);
		return CMD_SUCCESS;
	}
	tls_end_text(end, &keep.end);
	vty_out(vty, "certificate %s, until %s%s", api_cfg.certificate.path, end, VTY_NEWLINE);
	show_file(vty, "key", api_cfg.key.path);
	show_file(vty, "ca", api_cfg.ca.path);
	return CMD_SUCCESS;
}

void api_cert_init(void)
{
	install_element(ENABLE_NODE, &api_reload_cmd);
	install_element_ve(&show_api_tls_cmd);
}

int api_cert_begin(void (*share)(size_t i, struct api_cert *c), size_t n, struct err *err)
{
	keep.share = share;
	keep.n = n;
	keep.end = (struct tls_end){ .of = "TLS of the API", .then = "", .path = api_cfg.certificate.path };
	rt_on_hangup(api_on_hangup);
	return reload(err);
}

void api_cert_end(void)
{
	keep.n = 0;
	tls_end_stop(&keep.end);
}
