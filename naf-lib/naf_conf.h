/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_conf.h
 *  A NAF's configuration as a file: lines "WORD VALUE", # begins a comment. libgba-naf(3) has the words. */
#pragma once

#include "common/base/err.h"
#include "common/gba/naf_id.h"
#include "naf-lib/naf_ctx.h"

#define NAF_CONF_MAX   65536 /* octets of a file */
#define NAF_CONF_GSIDS 32
#define NAF_CONF_FILES 3 /* certificate, key, ca */

struct naf_conf {
	struct gba_naf_config cfg; /* first; points to what stands here */
	struct gba_naf_diameter bsf;
	const char *names[NAF_NAMES_MAX], *bsf_names[NAF_NAMES_MAX], *gsids[NAF_CONF_GSIDS];
	uint8_t ua[UA_ID_LEN];
	char *text;                  /* naf_conf_parse() does not set this and the next */
	char *files[NAF_CONF_FILES]; /* malloc'ed */
};

/*! Pure. Names and numbers are checked as far as their form goes; gba_naf_new() checks the whole.
 *  \param[out] out  begun anew; its texts point into text
 *  \param[in] text  NUL-terminated, of anybody; cut into words
 *  \returns 0; -EINVAL and err: "line N: what; allowed: ..." */
int naf_conf_parse(struct naf_conf *out, char *text, struct err *err);
