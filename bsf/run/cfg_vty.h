/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file cfg_vty.h
 *  The nodes bsf, ub, diameter and store (cfg_vty.c) and hss (cfg_hss.c), and what their commands share. */
#pragma once

#include "bsf/run/cfg.h"

#define ADDR_PORT "ADDRESS <1-65535>"
#define ADDR_PORT_HELP \
	"IPv4 or IPv6 address\n" \
	"TCP port\n"

struct peer_cfg;

void bsf_cfg_vty_init(void);
void bsf_cfg_hss_vty_init(void);

/*! The peer an HSS has for itself; made when it is first spoken of. \returns NULL: vty has been told why not */
struct peer_cfg *bsf_cfg_hss_own_peer(struct vty *vty, const struct bsf_hss *h);
/*! Of a connection of which nothing is said any more nothing is left. */
void bsf_cfg_hss_drop_peer(const struct bsf_hss *h);

/*! Copy a name into a field of the configuration; not live. \param[out] out max + 1 octets \returns CMD_SUCCESS; CMD_WARNING */
int bsf_cfg_set_name(struct vty *vty, char *out, const char *what, const char *text, size_t max);
/*! The same, once in a file. \param[out] out BSF_ID_MAX + 1 octets \param[in,out] line as for cfg_once() */
int bsf_cfg_set_name_once(struct vty *vty, char *out, int *line, const char *what, const char *text);
/*! \param[in] credential where is a name in the folder that systemd gives us, else a path of the configuration file
 *  \returns talloc'ed and absolute; NULL: there are no credentials */
char *bsf_cfg_secret_path(bool credential, const char *where);
/*! What store is chosen, once in a file. \returns as bsf_cfg_set_name() */
int bsf_cfg_choose_store(struct vty *vty, enum bsf_store_kind kind);
/*! \param[in] argv address and port. \returns as bsf_cfg_set_name() */
int bsf_cfg_set_listen(struct vty *vty, struct bsf_listen *out, const char *argv[]);
