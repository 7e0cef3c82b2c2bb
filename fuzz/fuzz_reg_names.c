/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What an ASP calls its application: a host name, and aliases of each scheme. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "reg/reg_alias.h"
#include "reg/reg_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is kept is taken again, and stays as it is. */
static void same_again(const struct reg_alias_scheme *s, const char *kept)
{
	char again[REG_ALIAS_MAX + 1];

	if (strlen(kept) > REG_ALIAS_MAX || reg_alias_parse(again, s, kept) || strcmp(again, kept) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const schemes[] = { "url", "ip", "onem2m", "gs1", "lei", "cin", "vat", "duns" };
	char fqdn[FQDN_MAX + 1], again[FQDN_MAX + 1], alias[REG_ALIAS_MAX + 1];
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (!reg_names_parse(fqdn, text) &&
	    (strcasecmp(fqdn, text) != 0 || reg_names_parse(again, fqdn) || strcmp(again, fqdn) != 0))
		abort();
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const struct reg_alias_scheme *s = reg_alias_scheme(schemes[i], i < 4 ? REG_OF_APP : REG_OF_ASP);

		if (!reg_alias_parse(alias, s, text))
			same_again(s, alias);
	}
	free(text);
	return 0;
}
