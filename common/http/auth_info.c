/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/http/auth_info.h"

#include <errno.h>

#include "common/http/auth_param.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct auth_slot slots[] = {
	{ "qop", offsetof(struct auth_info, qop), false },
	{ "rspauth", offsetof(struct auth_info, rspauth), true },
	{ "cnonce", offsetof(struct auth_info, cnonce), true },
	{ "nc", offsetof(struct auth_info, nc), false },
	{ "nextnonce", offsetof(struct auth_info, nextnonce), true },
};

int auth_info_parse(struct auth_info *out, const uint8_t *buf, size_t len)
{
	struct auth_info h = { 0 };
	int rc = len > AUTH_INFO_MAX ? -E2BIG : auth_params_only(&h, slots, N(slots), span_of(buf, len));

	if (rc == 0)
		*out = h;
	return rc;
}

int auth_info_format(char *out, size_t cap, const struct auth_info *h)
{
	return auth_params_format(out, cap, "", h, slots, N(slots));
}

void auth_info_assert_inside(const struct auth_info *h, const uint8_t *buf, size_t len)
{
	auth_params_assert_inside(h, slots, N(slots), span_of(buf, len));
}
