/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What comes from a card's EF_DIR and from a modem's line. */
#include <stdlib.h>
#include "ue/card/at_line.h"
#include "ue/card/icc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct span s, const uint8_t *data, size_t size)
{
	return s.p >= data && s.p + s.len <= data + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span line = span_of(data, size);
	struct icc_apps apps;
	uint8_t octets[LINK_ANSWER_MAX];
	struct span value;
	int code, n;

	if (at_line_read(line, "+CGLA:", &value, &code) == AT_ANSWER) {
		if (!inside(value, data, size))
			abort();
		n = at_line_hex(octets, sizeof(octets), value);
		if (n > (int)sizeof(octets) || (n >= 0 && (size_t)n > size / 2))
			abort();
	}
	at_line_read(line, "", &value, &code);
	icc_apps_read(&apps, line);
	for (size_t i = apps.n; i-- > 0;) {
		if (apps.list[i].aid_len < 7 || apps.list[i].aid_len > ICC_AID_MAX ||
		    memchr(apps.list[i].label, 0, sizeof(apps.list[i].label)) == NULL)
			abort();
	}
	return 0;
}
