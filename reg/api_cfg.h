/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_cfg.h
 *  Node `api`: where gba-regd serves HTTPS, by which certificate. Nothing of it changes after the start. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include "common/base/err.h"
#include "common/rt/cfg_file.h"

#define API_LISTEN_MAX      8
#define API_CONNECTIONS     256 /* of one listener; by default */
#define API_REQUEST_S       10
#define API_CONNECTIONS_MAX 4096

struct api_listen {
	struct sockaddr_storage at;
	bool clients; /* asks for a certificate */
	int line;
};

/*! A file as written, and absolute. */
struct api_file {
	char *typed, *path;
};

struct api_cfg {
	int line; /* 0: there is no such node, and no HTTPS */
	struct api_listen listen[API_LISTEN_MAX];
	size_t n_listen;
	struct api_file certificate, key, ca;
	int tls_line; /* of the first of them */
	unsigned connections, request_s;
};

extern struct api_cfg api_cfg;

/*! Install node and commands, before rt_config(). */
void api_cfg_init(void);

/*! Is everything there that is needed? \returns 0; -EINVAL and "FILE:LINE: ..." in err */
int api_cfg_verify(struct err *err);
/*! Are the ports free? \returns as cfg_ports_take() */
int api_cfg_probe(struct cfg_ports *ports, struct err *err);
