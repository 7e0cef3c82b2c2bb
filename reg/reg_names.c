/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_names.h"

#include <ctype.h>
#include <libpsl.h>
#include <string.h>
#include <strings.h>
#include "common/base/ascii.h"
#include "common/gba/btid.h"

static psl_ctx_t *newest;

void reg_names_init(void)
{
	newest = psl_latest(NULL);
}

void reg_names_free(void)
{
	psl_free(newest);
	newest = NULL;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text > 0x7f)
			return false;
	}
	return true;
}

static bool is_public_suffix(const char *fqdn)
{
	return psl_is_public_suffix2(newest ? newest : psl_builtin(), fqdn, PSL_TYPE_ANY);
}

/* What any host name must be. A last label that begins with a digit is that of an address, in whatever form (inet_aton() takes
 * 127.1 and 0x7f.1): no top-level domain does. */
static const char *form_bad(const char *text)
{
	const char *last = strrchr(text, '.');

	if (!is_ascii(text))
		return "a name with letters beyond ASCII (U-labels); allowed: its A-labels, xn--...";
	if (strchr(text, '*'))
		return "a wildcard is no name of an application; allowed: its own name, which the operator may let stand for one label more (app wildcard)";
	if (!fqdn_valid(span_str(text), FQDN_MAX) || !last || isdigit((unsigned char)last[1]))
		return "that is no name of an application; allowed: a DNS name with a dot in it, no address";
	return NULL;
}

const char *reg_names_parse(char out[FQDN_MAX + 1], const char *text)
{
	const char *bad = form_bad(text);
	char lower[FQDN_MAX + 1];
	size_t len = strlen(text);

	if (bad)
		return bad;
	ascii_lower_copy(lower, text, len + 1);
	if (is_public_suffix(lower))
		return "a public suffix, under which everybody may have names; allowed: a name below it";
	memcpy(out, lower, len + 1);
	return NULL;
}

bool reg_names_under(const char *name, const char *top)
{
	size_t n = strlen(name), t = strlen(top);

	return n >= t && strcasecmp(name + n - t, top) == 0 && (n == t || name[n - t - 1] == '.');
}

static bool on_one_branch(const char *a, const char *b)
{
	return reg_names_under(a, b) || reg_names_under(b, a);
}

bool reg_names_of_realm(const char *fqdn, const struct reg_realm *r, const char *host)
{
	for (size_t i = 0; i < r->n_bsf_names; i++) {
		if (on_one_branch(fqdn, r->bsf_names[i]))
			return true;
	}
	return on_one_branch(fqdn, "3gppnetwork.org") || on_one_branch(fqdn, r->bsf_identity) ||
	       reg_names_under(fqdn, r->bsf_realm) || (host && strchr(host, '.') && on_one_branch(fqdn, host));
}
