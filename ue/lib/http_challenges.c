/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/http_challenges.h"

#include <string.h>

static bool next_line(struct http_challenges *c)
{
	size_t len;

	if (!c->lines || !*c->lines)
		return false;
	len = strcspn(c->lines, "\n");
	c->line = span_of(c->lines, len);
	c->lines += len + (c->lines[len] == '\n');
	return true;
}

bool http_challenge_next(struct challenge_hdr *out, struct http_challenges *c)
{
	do {
		while (c->line.len) {
			if (c->line.len > CHALLENGE_HDR_MAX)
				c->line.len = 0;
			else if (challenge_hdr_next(out, &c->line) == 0)
				return true;
		}
	} while (next_line(c));
	return false;
}
