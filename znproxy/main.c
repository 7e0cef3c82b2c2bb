/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-znproxyd: the Zn-Proxy of a visited network (TS 33.220 4.2.2a). */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <openssl/ssl.h>
#include "common/rt/daemon.h"
#include "common/rt/dia_select.h"
#include "common/rt/log_cat.h"
#include "common/rt/tls_keep.h"
#include "znproxy/homes.h"
#include "znproxy/proxy_show.h"
#include "znproxy/proxy_vty.h"
#include "znproxy/relay.h"

static const char *const counters[] = { "znproxy", "dia", NULL };

static struct proxy_cfg *config; /* for checks while running */

static int check_config(struct err *err)
{
	return proxy_cfg_verify(config, err);
}

static const struct rt_program program = {
	.name = "gba-znproxyd",
	.summary = "Zn-Proxy for GBA: NAFs of a visited network to the BSFs of home operators",
	.counters = counters,
	.commands = proxy_commands,
	.figures = proxy_figures,
	.check = check_config,
};

/* All on main's own loop. */
static struct relay relay;
static struct dia_loop *dia;
static struct dia_hub *nafs;
static SSL_CTX *tls; /* towards NAFs; NULL: no TLS */

static int use_tls(void *unused, SSL_CTX *ctx)
{
	dia_hub_tls(nafs, ctx);
	return 0;
}

static int start_nafs(struct proxy_cfg *cfg, struct err *err)
{
	static struct dia_hub_service service;
	struct dia_hub_cfg c = {
		.agent = true,
		.services = &service,
		.n_services = 1,
		.tls = tls,
		.cb = { .event = dia_select_event,
			.admit = proxy_cfg_admit,
			.limits = proxy_cfg_limits,
			.security = proxy_cfg_security,
			.owner = cfg },
	};

	service = relay_service(&relay);
	dia_node_hub(&cfg->dia, &c);
	proxy_cfg_say_plain(cfg);
	nafs = dia_hub_new(dia, &c);
	if (!nafs)
		return err_set(err, -ENOMEM, "diameter: no memory");
	proxy_show_hub(nafs);
	(void)tls_keep_begin(tls, &cfg->dia.tls, cfg->dia.identity, use_tls, NULL);
	tls = NULL;
	return dia_hub_listen(nafs, err);
}

static int start_diameter(struct proxy_cfg *cfg, struct err *err)
{
	int rc;

	dia = dia_loop_new();
	if (!dia || !dia_select_new(rt_ctx(), dia))
		return err_set(err, -ENOMEM, "diameter: no memory");
	rc = homes_start(cfg, dia, err);
	return rc == 0 ? start_nafs(cfg, err) : rc;
}

/* Homes first: whoever waits for one of them is told so. */
static void stop_diameter(struct proxy_cfg *cfg)
{
	tls_keep_end();
	if (dia)
		homes_stop(cfg, dia);
	proxy_show_hub(NULL);
	if (nafs)
		dia_select_stop(dia, nafs);
	nafs = NULL;
}

static int proxy_run(struct proxy_cfg *cfg, struct err *err)
{
	int rc = start_diameter(cfg, err);

	if (rc == 0)
		rc = rt_vty_start(err);
	if (rc == 0) {
		rt_ready();
		rt_run();
	}
	stop_diameter(cfg);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = { { 0 } };
	struct rt_args args;
	struct proxy_cfg *cfg;
	int rc = rt_begin(&args, &program, argc, argv);

	if (rc >= 0)
		return rc;
	cfg = config = relay.cfg = proxy_cfg_new(rt_ctx());
	proxy_vty_init(cfg);
	proxy_show_init(cfg, &relay);
	if (rt_config(&args) < 0)
		return 1;
	rc = proxy_cfg_verify(cfg, &err);
	if (rc == 0)
		rc = tls_cfg_open(&tls, &cfg->dia.tls, NULL, &err);
	if (rc == 0)
		rc = homes_open(cfg, &err);
	if (rc == 0)
		rc = dia_node_probe(&args, &cfg->dia, &err);
	if (args.check)
		rc = rt_checked(&args, rc);
	else if (rc == 0)
		rc = proxy_run(cfg, &err);
	SSL_CTX_free(tls);
	homes_close(cfg);
	rt_exit();
	if (rc < 0)
		rt_fatal("%s", err.text);
	return rc < 0 || rt_failed();
}
