/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>

#include "common/http/auth_info.h"
#include "common/http/param_list.h"

#define VALUE_MAX 4096
#define PARAMS    32

int auth_info_parse(struct auth_info *out, const uint8_t *buf, size_t len)
{
	struct auth_info h = { 0 };
	const struct param_slot slots[] = {
		{ "nextnonce", &h.nextnonce }, { "qop", &h.qop }, { "rspauth", &h.rspauth },
		{ "cnonce", &h.cnonce }, { "nc", &h.nc },
	};
	int rc;

	if (len > VALUE_MAX)
		return -E2BIG;
	rc = param_list_read(buf, len, 0, slots, sizeof(slots) / sizeof(slots[0]), PARAMS);
	if (rc < 0)
		return rc;
	*out = h;
	return 0;
}

int auth_info_format(char *out, size_t cap, const struct auth_info *h)
{
	struct writer w;

	if (!param_quotable(h->rspauth) || !param_quotable(h->cnonce) || !param_quotable(h->nextnonce))
		return -EINVAL;
	writer_init(&w, out, cap);
	param_put(&w, "qop", h->qop, false);
	param_put(&w, "rspauth", h->rspauth, true);
	param_put(&w, "cnonce", h->cnonce, true);
	param_put(&w, "nc", h->nc, false);
	param_put(&w, "nextnonce", h->nextnonce, true);
	return writer_end(&w);
}
