/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <stdlib.h>
#include "common/http/request_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span s, const uint8_t *buf, size_t size)
{
	if (s.p && (s.p < buf || s.len > size || s.p > buf + size - s.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *buf = malloc(size + !size);
	struct request_head h;

	if (!buf)
		return 0;
	memcpy(buf, data, size);
	if (request_head_read(&h, buf, size) == 0) {
		inside(h.host, buf, size);
		inside(h.authorization, buf, size);
		inside(h.user_agent, buf, size);
		inside(h.length, buf, size);
		request_head_framed(&h);
	}
	free(buf);
	return 0;
}
