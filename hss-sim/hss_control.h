/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hss_control.h
 *  What gba-hss-simd can be told on its control socket. Main thread. */
#pragma once

#include "common/rt/ctl.h"
#include "hss-sim/provision.h"
#include "hss-sim/zh_server.h"

extern const struct ctl_command hss_commands[];

/*! Of rt_program. */
void hss_figures(json_t *into);

/*! Before the socket is made. Everything is lent. */
void hss_control_init(struct subscriber_db *db, struct zh_server *server, struct provision *p);
