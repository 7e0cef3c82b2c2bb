/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hss_vty_in.h
 *  What the files of the configuration commands share. For nobody else. */
#pragma once

#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include "hss-sim/hss_cfg.h"
#include "hss-sim/import_file.h"

enum { DIAMETER_NODE = _LAST_OSMOVTY_NODE + 1, BSF_NODE, SUBSCRIBERS_NODE, FAULT_NODE, SLF_NODE };

/*! Node subscribers. */
void hss_vty_subscribers_init(struct hss_cfg *c);
/*! Commands of an SLF. */
void hss_vty_slf_init(struct hss_cfg *c);
/*! Behaviours for testers. */
void hss_vty_fault_init(struct hss_cfg *c);
/*! Subscribers and GUSSs from files. */
void hss_vty_provision_init(void);
/*! A file somebody names at the VTY. \returns as import_file_read() */
int hss_vty_file(struct import_content *out, const char *path, size_t max, struct err *err);
