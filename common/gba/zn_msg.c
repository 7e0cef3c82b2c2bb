/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/zn_msg.h"

#include <stdlib.h>

void zn_bia_clear(struct zn_bia *b)
{
	if (b->uss_list)
		OPENSSL_cleanse(b->uss_list, b->uss_list_len);
	free(b->uss_list);
	OPENSSL_cleanse(b, sizeof(*b));
}
