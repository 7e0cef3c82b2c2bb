/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file usim_cfg.h
 *  The configuration file of a soft USIM. */
#pragma once

#include "common/base/err.h"
#include "common/crypto/aka.h"

struct usim_cfg {
	char imsi[16];
	int mnc_len;
	struct aka_cred cred;  /* OPc made from OP if that was given */
	char state_file[4096]; /* absolute, or relative to the folder of the file */
};

/*! \returns 0; -ENOENT, -EACCES (mode & 077), -EINVAL. err: "FILE:LINE: what; what is allowed" */
int usim_cfg_read(struct usim_cfg *out, const char *path, struct err *err);
void usim_cfg_clear(struct usim_cfg *c);
