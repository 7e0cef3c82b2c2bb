/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_cover.h"

#include <stdlib.h>
#include <string.h>
#include "common/base/ascii.h"
#include "common/dia/dia_cert.h"
#include "common/gba/naf_id.h"

struct dia_cover {
	struct {
		bool covers;
		char name[FQDN_MAX + 1]; /* "": nothing yet */
	} places[DIA_COVER_PLACES];
};

bool dia_cover_get(struct dia_cover **c, const X509 *x, const char *name)
{
	size_t len = strlen(name), at = (ascii_hash(name) >> 8) % DIA_COVER_PLACES;

	if (!len || len > FQDN_MAX)
		return false;
	if (!*c)
		*c = calloc(1, sizeof(**c));
	if (!*c)
		return dia_cert_covers(x, name);
	if (strcmp((*c)->places[at].name, name) != 0) {
		(*c)->places[at].covers = dia_cert_covers(x, name);
		memcpy((*c)->places[at].name, name, len + 1);
	}
	return (*c)->places[at].covers;
}

void dia_cover_free(struct dia_cover *c)
{
	free(c);
}
