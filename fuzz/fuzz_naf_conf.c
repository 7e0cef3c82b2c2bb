/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A NAF's configuration file, which somebody may have written by hand. */
#include <stdlib.h>
#include <string.h>
#include "naf-lib/naf_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const char *s, const char *text, size_t size)
{
	if (s && (s < text || s + strlen(s) > text + size || !*s))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct err err = { "" };
	struct naf_conf c;

	if (!text || memchr(data, 0, size)) {
		free(text);
		return 0;
	}
	memcpy(text, data, size);
	text[size] = '\0';
	if (naf_conf_parse(&c, text, &err) < 0) {
		if (!err.text[0])
			abort();
		free(text);
		return 0;
	}
	/* every text lies in the input, and what is needed is there */
	if (!c.cfg.n_names || c.cfg.n_names > NAF_NAMES_MAX || c.cfg.n_gsids > NAF_CONF_GSIDS || !c.bsf.identity)
		abort();
	for (size_t i = 0; i < c.cfg.n_names; i++)
		inside(c.names[i], text, size);
	for (size_t i = 0; i < c.cfg.n_gsids; i++)
		inside(c.gsids[i], text, size);
	inside(c.bsf.identity, text, size);
	inside(c.bsf.ca, text, size);
	free(text);
	return 0;
}
