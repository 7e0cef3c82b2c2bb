/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/zh_msg.h"

void zh_maa_clear(struct zh_maa *m)
{
	OPENSSL_cleanse(m, sizeof(*m));
}
