/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dict_gba.fdx: Zh, Zn and Zpn for freeDiameterd, so that it can be the relay agent between HSS, BSF and NAFs. */
#include <freeDiameter/extension.h>
#include "dict/dict_gba.h"

static int dict_gba_main(char *conffile)
{
	return dict_gba_load(fd_g_config->cnf_dict);
}

int fd_ext_init(int major, int minor, char *conffile); /* what the macro makes */

EXTENSION_ENTRY("dict_gba", dict_gba_main);
