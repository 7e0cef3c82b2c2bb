/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/policy/naf.h"

#include <errno.h>
#include <stdlib.h>
#include "common/base/hex.h"
#include "common/gba/gba_variant.h"
#include "common/gba/naf_id.h"

void naf_policy_clear(struct naf_policy *n)
{
	free(n->identity);
	free(n->via);
	names_clear(&n->speaks_for);
	names_clear(&n->groups);
	names_clear(&n->gsids);
	names_clear(&n->required_gsids);
	names_clear(&n->ua_protocols);
	free(n->visited_network);
	rate_drop(n->rate);
	*n = (struct naf_policy){ 0 };
}

static bool text_copy(char **out, const char *s)
{
	*out = s ? strdup(s) : NULL;
	return !s || *out;
}

int naf_policy_copy(struct naf_policy *out, const struct naf_policy *n)
{
	*out = *n;
	out->speaks_for = out->groups = out->gsids = out->required_gsids = out->ua_protocols = (struct names){ 0 };
	out->identity = out->via = out->visited_network = NULL;
	out->rate = n->rate ? rate_hold(n->rate) : NULL;
	if (text_copy(&out->identity, n->identity) && text_copy(&out->via, n->via) &&
	    text_copy(&out->visited_network, n->visited_network) && names_copy(&out->speaks_for, &n->speaks_for) == 0 &&
	    names_copy(&out->groups, &n->groups) == 0 && names_copy(&out->gsids, &n->gsids) == 0 &&
	    names_copy(&out->required_gsids, &n->required_gsids) == 0 &&
	    names_copy(&out->ua_protocols, &n->ua_protocols) == 0)
		return 0;
	naf_policy_clear(out);
	return -ENOMEM;
}

int naf_policy_check(const struct naf_policy *n, struct err *err)
{
	if (n->anonymous && n->private_identity)
		return err_set(err, -EINVAL, "anonymous and private-identity allow; allowed: one of them");
	return 0;
}

bool naf_policy_variant(const struct naf_policy *n, unsigned variant)
{
	const unsigned usual = 1u << GBA_VARIANT_ME | 1u << GBA_VARIANT_U;

	return variant < 8 && ((n->variants ? n->variants : usual) & 1u << variant);
}

bool naf_policy_ua(const struct naf_policy *n, const uint8_t ua[5])
{
	char hex[2 * UA_ID_LEN + 1];

	if (!n->ua_protocols.n)
		return true;
	hex_encode(hex, sizeof(hex), ua, UA_ID_LEN);
	for (size_t i = 0; i < n->ua_protocols.n; i++) {
		const char *pattern = n->ua_protocols.s[i];
		size_t len = strcspn(pattern, "*");

		if (span_ieq(span_of(pattern, len), span_of(hex, len)))
			return true;
	}
	return false;
}
