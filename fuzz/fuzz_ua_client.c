/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Realms of a challenge; the first line of the input is the host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ue/tool/ua_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	struct span realms, out = { 0 };
	char host[256];
	int rc;

	if (!line || span_to_str(host, sizeof(host), span_of(data, (size_t)(line - data))) < 0)
		return 0;
	realms = span_of(line + 1, size - (size_t)(line + 1 - data));
	rc = ua_realm_choose(&out, realms, host);
	if (rc < 0)
		return 0;
	/* what is taken lies in the challenge and names this host, nothing before or behind it */
	if (out.p < realms.p || out.p + out.len > realms.p + realms.len || out.len < strlen(host) + 1 ||
	    out.p[out.len - strlen(host) - 1] != '@' ||
	    !span_ieq(span_of(out.p + out.len - strlen(host), strlen(host)), span_str(host)))
		abort();
	return 0;
}
