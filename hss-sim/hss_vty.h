/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hss_vty.h
 *  Commands of the configuration file and of the live VTY. */
#pragma once

#include "hss-sim/hss_cfg.h"

/*! Before the file is read. cfg must live as long as the process. */
void hss_vty_init(struct hss_cfg *cfg);

struct provision;
/*! Where the VTY's orders go; NULL: nowhere. */
void hss_vty_provision_attach(struct provision *p);
