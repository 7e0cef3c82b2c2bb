/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file naf_cfg.h
 *  The "naf" nodes as they are written; from them the policy is made that requests are answered by. Main thread. */
#pragma once

#include <stdbool.h>
#include "bsf/run/cfg.h"

#define NAF_CFG_WORDS_MAX 256 /* of one list of a node */

/* Strings as written, in the order written. */
struct words {
	char **s;
	size_t n;
};

struct naf_cfg {
	struct naf_cfg *next;
	char *identity;
	struct words nets, speaks_for, gsids, required;
	char *group;
	bool private_identity, proxy;
	int line; /* of the file; 0: made at the VTY */
};

/*! \returns node or NULL; no case */
struct naf_cfg *naf_cfg_find(const char *identity);
/*! A new node at the end; identity is in none yet. \returns NULL no memory */
struct naf_cfg *naf_cfg_add(const char *identity);
void naf_cfg_remove(struct naf_cfg *n);

/*! Whose the identity is already, as words for a message; NULL: nobody's. */
const char *naf_cfg_taken_by(const struct bsf_cfg *c, const char *identity);

/*! No case; a word that is there already is not added again. \returns 0; -E2BIG; -ENOMEM */
int naf_cfg_word_add(void *ctx, struct words *w, const char *s);
/*! \returns 0; -ENOENT */
int naf_cfg_word_del(struct words *w, const char *s);
void naf_cfg_words_clear(struct words *w);
