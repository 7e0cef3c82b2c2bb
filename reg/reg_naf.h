/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_naf.h
 *  The registry as a NAF: HTTP with the Digest of GBA (TS 24.109), where a device asks with its own credential, its B-TID, which
 *  applications it may use. The USS of the registry's own application names it by a pseudonym; its IMPI is not asked for. */
#pragma once

#include "common/rt/cfg_file.h"
#include "reg/reg_work.h"

struct vty;

/*! Words of the node 'registry' that begin with 'own-app'. */
void reg_naf_cfg_init(int registry_node);
void reg_naf_write(struct vty *vty);
/*! \returns 0; -EINVAL and "FILE:LINE: ..." in err */
int reg_naf_verify(struct err *err);

/*! Is its port free? \returns as cfg_ports_take(); 0 there is none */
int reg_naf_probe(struct cfg_ports *ports, struct err *err);

/*! Where devices ask, as a URL. \returns malloc'ed; NULL: there is none, or no memory */
char *reg_naf_url(void);

/*! Listen, if there is one. \param[in] reader works on what is asked \returns 0; -errno, err: reason */
int reg_naf_start(struct reg_work *reader, struct err *err);
/*! Before the reader ends. */
void reg_naf_stop(void);
