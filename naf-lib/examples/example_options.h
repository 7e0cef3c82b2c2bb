/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file example_options.h
 *  The command line of the example. */
#pragma once

#include <stdbool.h>
#include <netinet/in.h>
#include <gba/naf.h>

#define EXAMPLE_LIST_MAX 16

struct example_options {
	struct sockaddr_in listen;
	bool json;
	const char *config;          /* NULL: options say it */
	bool spelt_out;              /* one of those */
	const char *users;           /* file of the application's own; NULL: there are none */
	struct gba_naf_config *read; /* of config, for gba_naf_config_free() */
	const char *names[EXAMPLE_LIST_MAX], *bsf_names[EXAMPLE_LIST_MAX], *gsids[EXAMPLE_LIST_MAX];
	struct gba_naf_diameter diameter;
	struct gba_naf_config naf; /* refers to what stands above, and to argv */
};

/*! \returns 0; -1 and it has been told what is wrong. With --help it does not return. */
int example_options(struct example_options *out, int argc, char **argv);
/*! "WHAT: VALUE" on standard error. \returns -1 */
int example_options_bad(const char *what, const char *value);
