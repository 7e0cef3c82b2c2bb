/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A line of any program. */
#include <stdlib.h>
#include <string.h>
#include "ue/agent/ask_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[ASK_LINE_MAX];
	struct ask_line a;

	if (span_to_str(line, sizeof(line), span_of(data, size)) < 0 || ask_line_parse(&a, line, NULL) < 0)
		return 0;
	/* what is taken is a name a key can be made for, and no longer than its place */
	if (a.verb == ASK_KEY &&
	    (!a.naf.len || strlen(a.naf.fqdn) + UA_ID_LEN != a.naf.len || strpbrk(a.naf.fqdn, " /@\n")))
		abort();
	if (strlen(a.realm) > GBA_UE_REALM_MAX || strlen(a.refused) > 255)
		abort();
	return 0;
}
