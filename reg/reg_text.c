/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/gba/guss.h"
#include "reg/reg_profile.h"

static void put_lines(FILE *f, const char *word, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, " ");

		fprintf(f, " %s %.*s\n", word, (int)len, list);
		list += len + (list[len] == ' ');
	}
}

/* Without the USS there is no key, and what is disclosed is the pseudonym in it: neither private identity nor another service. */
char *reg_text_policy(const struct reg_app *a)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fprintf(f, "naf %s\n", a->fqdn);
	put_lines(f, "address", a->nets);
	put_lines(f, "tls-key", a->keys ? a->keys : "");
	if (a->wildcard)
		fprintf(f, " speaks-for *.%s\n", a->fqdn);
	fprintf(f, " speaks-for %s\n naf-group %s\n gaa-service %s\n uss-required %s\n", a->fqdn, a->asp, a->gsid,
		a->gsid);
	if (a->profile && !reg_profile_named(a->profile))
		fprintf(f, " keys refused\n"); /* that degree is none any more: nothing is good enough for it */
	else
		reg_profile_policy(f, a->profile ? reg_profile_named(a->profile) : NULL, a->ua ? a->ua : "");
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

char *reg_text_conf(const struct reg_app *a, const struct reg_realm *r)
{
	const char *realm = strchr(a->fqdn, '.');
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fprintf(f, "# %s of %s, for gba_naf_config_read(): libgba-naf(3)\nname %s\n", a->fqdn, a->asp, a->fqdn);
	if (a->wildcard)
		fprintf(f, "name *.%s\n", a->fqdn);
	for (size_t i = 0; i < r->n_bsf_names; i++)
		fprintf(f, "bsf-name %s\n", r->bsf_names[i]);
	fprintf(f, "identity %s\nrealm %s\nbsf %s\nbsf-identity %s\nbsf-realm %s\ngsid %s\n", a->fqdn,
		realm ? realm + 1 : a->fqdn, r->bsf_address, r->bsf_identity, r->bsf_realm, a->gsid);
	if (a->profile)
		reg_profile_conf(f, reg_profile_named(a->profile));
	if (r->recheck_s >= 0)
		fprintf(f, "recheck %d\n", r->recheck_s);
	for (size_t i = 0; i < r->n_lines; i++)
		fprintf(f, "%s\n", r->lines[i]);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

int reg_text_guss(char **xml, size_t *len, const char *impi, time_t at, const struct reg_right *rights, size_t n)
{
	struct guss_uss *uss = calloc(n ? n : 1, sizeof(*uss));
	char **uids = calloc(n ? n : 1, sizeof(*uids));
	struct guss g = { .id = (char *)impi, .has_timestamp = true, .timestamp = at, .uss = uss, .n_uss = n };
	int rc = uss && uids ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		uids[i] = (char *)rights[i].uid;
		uss[i] = (struct guss_uss){
			.id = rights[i].gsid, .naf_group = rights[i].asp, .uids = &uids[i], .n_uids = 1
		};
	}
	if (rc == 0)
		rc = guss_format(xml, len, &g);
	free(uss);
	free(uids);
	return rc;
}
