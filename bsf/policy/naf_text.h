/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file naf_text.h
 *  One NAF as text, a file of the policy directory: the lines that stand in a "naf" node of the configuration, one command a line.
 *
 *      naf naf1.example.com
 *       via dra.example.com
 *       speaks-for naf1.example.com
 *       private-identity allow
 *
 *  The first line may be missing. A line that begins with ! is a comment; blanks at the beginning of a line do not count. */
#pragma once

#include "bsf/policy/policy.h"
#include "common/base/err.h"

#define NAF_TEXT_MAX       65536 /* octets */
#define NAF_TEXT_WORDS_MAX 257   /* in one line */

struct naf_text {
	struct naf_policy naf;   /* identity NULL: no line says it. No rate. via NULL: a connection of its own, peer */
	struct policy_peer peer; /* where that comes from; n_nets 0: none is written. No identity, no relays */
};

/*! Pure but for memory. Read it, and look whether it is whole: a way it comes on, and a name to speak for.
 *  \param[out] out written in full on success; naf_text_clear() it. Else clear
 *  \param[in] buf  len octets, attacker-controlled; 0..any
 *  \returns 0; -EINVAL and "line N: what; allowed: ..." in err; -E2BIG over NAF_TEXT_MAX; -ENOMEM */
int naf_text_parse(struct naf_text *out, const uint8_t *buf, size_t len, struct err *err);
void naf_text_clear(struct naf_text *t);
