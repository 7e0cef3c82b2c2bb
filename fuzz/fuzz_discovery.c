/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What anybody may say of a realm. */
#include <stdlib.h>
#include <string.h>
#include "ue/tool/discovery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken stands in a line of a configuration, and can only be a word there. */
static void word(const char *s, size_t max)
{
	if (strlen(s) > max || strpbrk(s, " \t\r\n\"\\\x1b"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *missing[DISCOVERY_MISSING_MAX];
	struct discovery d;
	struct err err;

	if (discovery_parse(&d, data, size, 1700000000, &err) < 0)
		return 0;
	word(d.realm, GBA_UE_REALM_MAX);
	word(d.bsf_url, DISCOVERY_URL_MAX);
	word(d.registry, DISCOVERY_URL_MAX);
	word(d.catalogue, DISCOVERY_URL_MAX);
	word(d.apps, DISCOVERY_URL_MAX);
	if (!d.realm[0] || !d.n_bsf_names || !d.n_ua || d.n_bsf_names > DISCOVERY_LIST_MAX ||
	    d.n_ua > DISCOVERY_LIST_MAX)
		abort();
	if (strncmp(d.bsf_url, "http://", 7) != 0 || d.valid_until <= 1700000000 ||
	    discovery_missing(&d, missing) > DISCOVERY_MISSING_MAX)
		abort();
	return 0;
}
