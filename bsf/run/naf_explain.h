/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file naf_explain.h
 *  For people: what holds for a NAF and where it is written, and what it would be answered and by which rule. The same at VTY and control
 *  socket. Nothing is counted, no rate is used up, and no key is in it. Main thread. */
#pragma once

#include "bsf/run/shard.h"
#include "common/rt/ctl.h"

/*! \returns {"naf", "from", "refused", "words": [{"word", "value", "from"}]}; NULL and the reason: there is no such NAF */
json_t *naf_explain(const char *identity, struct err *err);

/*! Who speaks for a host name, by itself or by the wildcard over it? \returns {"claims": [{"name", "naf", "from"}]}; naf is not there where
 *  several do. NULL: no memory */
json_t *naf_explain_claims(const char *fqdn);

/*! What it would be answered.
 *  \param[in] words "btid", B-TID, then pairs: "gsid" GSID, "fqdn" FQDN, "ua" ID, and "gba-u" alone
 *  \returns {"naf", "fqdn", "cause", "answer", "rule", ...}; NULL and the reason */
json_t *naf_explain_test(struct shard *s, const char *identity, const char *const *words, size_t n, struct err *err);

/*! "show naf NAME effective", "test naf NAME btid ..."; shards lent */
void naf_explain_vty_init(struct shard *const *shards);
