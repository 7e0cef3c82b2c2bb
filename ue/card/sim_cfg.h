/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file sim_cfg.h
 *  The configuration file of a card in software: a soft USIM, or a whole UICC. */
#pragma once

#include <stdbool.h>
#include "common/base/err.h"
#include "common/crypto/gba_u.h"
#include "common/crypto/sqn.h"
#include "common/gba/impi.h"

struct sim_cfg {
	char imsi[16];
	int mnc_len;
	struct aka_cred cred; /* OPc made from OP if that was given; lengths fit the algorithm */
	struct sqn_limits limits;
	bool gba_u; /* service 68: the card makes the keys of GBA itself */
	enum gba_u_hash mac_star;
	/* of a whole UICC; the soft USIM has no use for them. "" or 0: not given */
	char iccid[21];
	struct impi impi;              /* of the ISIM */
	char domain[BSF_NAME_MAX + 1]; /* of the ISIM */
	char pin[9], puk[9];
	unsigned gbabp_len, gbanl_len; /* octets */
	char state_file[4096];         /* absolute, or relative to the folder of the file */
};

/*! \returns 0; -ENOENT, -EACCES (mode & 077), -EINVAL. err: "FILE:LINE: what; what is allowed" */
int sim_cfg_read(struct sim_cfg *out, const char *path, struct err *err);
void sim_cfg_clear(struct sim_cfg *c);
