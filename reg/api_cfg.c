/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/base/sockaddr.h"
#include "common/rt/cfg_file.h"
#include "reg/api_tls.h"
#include "reg/reg_nodes.h"

struct api_cfg api_cfg = { .connections = API_CONNECTIONS, .request_s = API_REQUEST_S };

DEFUN(api, api_cmd, "api", "HTTPS for operators, providers and users; without an address in it there is none\n")
{
	if (cfg_reading())
		api_cfg.line = cfg_line();
	vty->node = API_NODE;
	return CMD_SUCCESS;
}

static int add_listen(struct vty *vty, const char *address, const char *port, bool clients)
{
	struct api_listen *l = &api_cfg.listen[api_cfg.n_listen];

	CFG_AT_START_ONLY(vty);
	if (api_cfg.n_listen == API_LISTEN_MAX)
		return cfg_fail(vty, "more than %d addresses", API_LISTEN_MAX);
	if (sockaddr_parse(&l->at, address, port) < 0)
		return cfg_fail(vty, "'%s' is no address; allowed: IPv4 or IPv6", address);
	l->clients = clients;
	l->line = cfg_line();
	api_cfg.n_listen++;
	return CMD_SUCCESS;
}

DEFUN(api_listen, api_listen_cmd, "listen ADDRESS <1-65535>",
      "Serve who shows a token; may be repeated\nIPv4 or IPv6 address\nTCP port\n")
{
	return add_listen(vty, argv[0], argv[1], false);
}

DEFUN(api_listen_clients, api_listen_clients_cmd, "listen-clients ADDRESS <1-65535>",
      "Serve who has a client certificate by tls ca; may be repeated\nIPv4 or IPv6 address\nTCP port\n")
{
	return add_listen(vty, argv[0], argv[1], true);
}

#define API_TLS_HELP "TLS, without which nothing is served\n"

static int set_file(struct vty *vty, struct api_file *f, const char *what, const char *text)
{
	CFG_AT_START_ONLY(vty);
	if (f->typed)
		return cfg_fail(vty, "tls %s is written already; allowed: once", what);
	f->typed = talloc_strdup(tall_vty_ctx, text);
	f->path = cfg_path(tall_vty_ctx, text);
	api_cfg.tls_line = api_cfg.tls_line ? api_cfg.tls_line : cfg_line();
	return CMD_SUCCESS;
}

DEFUN(api_certificate, api_certificate_cmd, "tls certificate FILE",
      API_TLS_HELP "Our certificate, then those between it and its CA\nPath, relative to this file\n")
{
	return set_file(vty, &api_cfg.certificate, "certificate", argv[0]);
}

DEFUN(api_key, api_key_cmd, "tls key FILE",
      API_TLS_HELP "Its key, without a passphrase, that only we may read\nPath, relative to this file\n")
{
	return set_file(vty, &api_cfg.key, "key", argv[0]);
}

DEFUN(api_ca, api_ca_cmd, "tls ca FILE", API_TLS_HELP "CAs of client certificates\nPath, relative to this file\n")
{
	return set_file(vty, &api_cfg.ca, "ca", argv[0]);
}

DEFUN(api_connections, api_connections_cmd, "connections <8-4096>",
      "Connections of each address above; over it the one that has been without a request longest goes\nDefault: 256\n")
{
	CFG_AT_START_ONLY(vty);
	api_cfg.connections = (unsigned)atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(api_request_time, api_request_time_cmd, "request-time <1-600>",
      "Within which handshake and request must be whole, an answer be taken, and the next request follow it\nSeconds; default: 10\n")
{
	CFG_AT_START_ONLY(vty);
	api_cfg.request_s = (unsigned)atoi(argv[0]);
	return CMD_SUCCESS;
}

static void write_file(struct vty *vty, const char *what, const struct api_file *f)
{
	if (f->typed)
		vty_out(vty, " tls %s %s%s", what, f->typed, VTY_NEWLINE);
}

static int write_api(struct vty *vty)
{
	if (!api_cfg.line)
		return CMD_SUCCESS;
	vty_out(vty, "api%s", VTY_NEWLINE);
	for (size_t i = 0; i < api_cfg.n_listen; i++) {
		const struct api_listen *l = &api_cfg.listen[i];
		char at[SOCKADDR_TEXT];

		sockaddr_text(at, &l->at);
		vty_out(vty, " %s %s%s", l->clients ? "listen-clients" : "listen", at, VTY_NEWLINE);
	}
	write_file(vty, "certificate", &api_cfg.certificate);
	write_file(vty, "key", &api_cfg.key);
	write_file(vty, "ca", &api_cfg.ca);
	if (api_cfg.connections != API_CONNECTIONS)
		vty_out(vty, " connections %u%s", api_cfg.connections, VTY_NEWLINE);
	if (api_cfg.request_s != API_REQUEST_S)
		vty_out(vty, " request-time %u%s", api_cfg.request_s, VTY_NEWLINE);
	vty_out(vty, "!%s", VTY_NEWLINE);
	return CMD_SUCCESS;
}

void api_cfg_init(void)
{
	static struct cmd_node node = { .node = API_NODE, .prompt = "%s(config-api)# ", .vtysh = 1 };
	static struct cmd_element *const of_api[] = { &api_listen_cmd,      &api_listen_clients_cmd,
						      &api_certificate_cmd, &api_key_cmd,
						      &api_ca_cmd,          &api_connections_cmd,
						      &api_request_time_cmd };

	install_node(&node, write_api);
	install_element(CONFIG_NODE, &api_cmd);
	for (size_t i = 0; i < ARRAY_SIZE(of_api); i++)
		install_element(API_NODE, of_api[i]);
}

int api_cfg_verify(struct err *err)
{
	if (!api_cfg.n_listen)
		return 0;
	if (!api_cfg.certificate.typed || !api_cfg.key.typed)
		return cfg_error(err, -EINVAL, api_cfg.listen[0].line, "'api' lacks 'tls %s'",
				 api_cfg.certificate.typed ? "key" : "certificate");
	for (size_t i = 0; i < api_cfg.n_listen; i++) {
		if (api_cfg.listen[i].clients && !api_cfg.ca.typed)
			return cfg_error(err, -EINVAL, api_cfg.listen[i].line,
					 "'api' lacks 'tls ca': by whom client certificates are");
	}
	return api_tls_check(err);
}

int api_cfg_probe(struct cfg_ports *ports, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < api_cfg.n_listen && rc == 0; i++)
		rc = cfg_ports_take(ports, &api_cfg.listen[i].at, api_cfg.listen[i].line, "api", err);
	return rc;
}
