/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_discovery.h
 *  What devices and applications that come anew are told of this realm: the document at /.well-known/gba-configuration, in the form of
 *  doc/gba-configuration.schema.json. */
#pragma once

#include "reg/reg_call.h"

struct vty;

/*! Words of the node 'registry' that begin with 'discovery'; without any of them the document is made of the others. */
void reg_discovery_cfg_init(int registry_node);
void reg_discovery_write(struct vty *vty);
/*! Would a device believe it? \returns 0; -EINVAL and "FILE:LINE: ..." in err */
int reg_discovery_verify(struct err *err);

/*! An address of this registry's, with what follows its own. \returns malloc'ed; NULL: where it is, is not configured, or no memory */
char *reg_discovery_link(const char *path, const char *name);

/*! The document, whoever asks. */
int reg_discovery_show(struct reg_order *o, struct reg_db *db);
