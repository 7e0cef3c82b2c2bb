/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/http/auth_info.h"

#include <errno.h>

#include "common/http/auth_param.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct auth_slot slots[] = {
	{"qop", offsetof(struct auth_info, qop), false},
	{"rspauth", offsetof(struct auth_info, rspauth), true},
	{"cnonce", offsetof(struct auth_info, cnonce), true},
	{"nc", offsetof(struct auth_info, nc), false},
	{"nextnonce", offsetof(struct auth_info, nextnonce), true},
};

int auth_info_parse(struct auth_info *out, const uint8_t *buf, size_t len)
{
	struct span rest = span_of(buf, len);
	struct auth_info h = {0};
	size_t count = 0;
	int rc;

	if (len > AUTH_INFO_MAX)
		return -E2BIG;
	rc = auth_params_take(&h, slots, N(slots), &rest, &count);
	if (rc < 0)
		return rc;
	if (rest.len || !count)
		return -EBADMSG;
	*out = h;
	return 0;
}

int auth_info_format(char *out, size_t cap, const struct auth_info *h)
{
	struct writer w;
	int rc;

	writer_init(&w, out, cap);
	rc = auth_params_put(&w, h, slots, N(slots), false);
	return rc < 0 ? rc : writer_end(&w);
}

void auth_info_assert_inside(const struct auth_info *h, const uint8_t *buf, size_t len)
{
	auth_params_assert_inside(h, slots, N(slots), span_of(buf, len));
}
