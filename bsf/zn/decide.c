/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file decide.c
 *  What a NAF is answered on Zn. */
#include "bsf/zn/decide.h"

#include <errno.h>
#include "common/crypto/kdf.h"
#include "common/gba/guss_copy.h"

/* What a check says of a request. */
enum verdict {
	PASS,
	BTID_UNKNOWN,
	STORE_FAILED,
	STORE_AWAY,
	STORE_LEASE,
	NAF_UNKNOWN,
	NAME_DENIED,
	UA_INVALID,
	USS_MISSING,
	LIAR,
	UNVOUCHED,
	POLICY_BAD,
	NAME_TWICE,
	UA_DENIED,
	VARIANT_DENIED,
	KEYS_DENIED,
	KEY_OLD,
	KEY_USED,
};

static const struct {
	enum cause cause;
	uint32_t code;
} answers[] = {
	[PASS] = { CAUSE_zn_ok, RESULT_SUCCESS },
	[BTID_UNKNOWN] = { CAUSE_zn_btid_unknown, RESULT_X_TRANSACTION_INVALID },
	[STORE_FAILED] = { CAUSE_store_failed, RESULT_UNABLE_TO_COMPLY },
	[STORE_AWAY] = { CAUSE_store_away, RESULT_UNABLE_TO_COMPLY },
	[STORE_LEASE] = { CAUSE_store_lease, RESULT_UNABLE_TO_COMPLY },
	[NAF_UNKNOWN] = { CAUSE_zn_naf_unknown, RESULT_X_NOT_AUTHORIZED },
	[NAME_DENIED] = { CAUSE_zn_name_denied, RESULT_X_NOT_AUTHORIZED },
	[UA_INVALID] = { CAUSE_zn_ua_invalid, RESULT_X_NOT_AUTHORIZED },
	[USS_MISSING] = { CAUSE_zn_uss_missing, RESULT_X_NOT_AUTHORIZED },
	[LIAR] = { CAUSE_zn_origin, RESULT_X_NOT_AUTHORIZED },
	[UNVOUCHED] = { CAUSE_zn_not_vouched, RESULT_X_NOT_AUTHORIZED },
	[POLICY_BAD] = { CAUSE_zn_policy_bad, RESULT_X_NOT_AUTHORIZED },
	[NAME_TWICE] = { CAUSE_zn_name_twice, RESULT_X_NOT_AUTHORIZED },
	[UA_DENIED] = { CAUSE_zn_ua_denied, RESULT_X_NOT_AUTHORIZED },
	[VARIANT_DENIED] = { CAUSE_zn_variant_denied, RESULT_X_NOT_AUTHORIZED },
	[KEYS_DENIED] = { CAUSE_zn_keys_denied, RESULT_X_NOT_AUTHORIZED },
	[KEY_OLD] = { CAUSE_zn_key_old, RESULT_X_TRANSACTION_INVALID },
	[KEY_USED] = { CAUSE_zn_key_used, RESULT_X_TRANSACTION_INVALID },
};

static enum verdict check_btid(const struct zn_ask *in)
{
	return in->bir->btid_ok ? PASS : BTID_UNKNOWN;
}

static enum verdict check_session(const struct zn_ask *in)
{
	if (in->store_rc == -ENOENT)
		return BTID_UNKNOWN;
	if (in->store_rc == -EKEYREVOKED)
		return KEY_OLD;
	if (in->store_rc == -ESTALE)
		return STORE_LEASE;
	if (in->store_rc < 0)
		return in->store_rc == -ENOTCONN ? STORE_AWAY : STORE_FAILED;
	return in->session->expires_at > in->now_s ? PASS : BTID_UNKNOWN;
}

static enum verdict check_origin(const struct zn_ask *in)
{
	if (in->bir->liar)
		return LIAR;
	if (!in->naf)
		return NAF_UNKNOWN;
	return in->naf->refused ? POLICY_BAD : PASS;
}

static enum verdict check_fqdn(const struct zn_ask *in)
{
	if (!policy_speaks_for(in->naf, in->bir->naf_id.fqdn))
		return NAME_DENIED;
	return in->twice ? NAME_TWICE : PASS;
}

static enum verdict check_vouched(const struct zn_ask *in)
{
	return in->bir->unvouched ? UNVOUCHED : PASS;
}

static enum verdict check_ua_id(const struct zn_ask *in)
{
	enum ua_id_class c = ua_id_classify(in->bir->naf_id.ua, NULL);

	if (c == UA_ID_INVALID || c == UA_ID_RESERVED)
		return UA_INVALID;
	return naf_policy_ua(in->naf, in->bir->naf_id.ua) ? PASS : UA_DENIED;
}

static enum verdict check_keys(const struct zn_ask *in)
{
	return in->naf->keys == NAF_KEYS_REFUSED ? KEYS_DENIED : PASS;
}

/* A key of 2G GBA or GBA_Digest is for a NAF that says it takes one (33.220 I.5.3, M.5.7): its operator says so. */
static enum verdict check_variant(const struct zn_ask *in)
{
	return naf_policy_variant(in->naf, in->session->variant) ? PASS : VARIANT_DENIED;
}

/* What the device is told then makes it bootstrap again. */
static enum verdict check_age(const struct zn_ask *in)
{
	uint32_t max = in->naf->key_age_max_s;

	return max && in->now_s - in->session->created_at > max ? KEY_OLD : PASS;
}

static enum verdict check_uses(const struct zn_ask *in)
{
	return in->naf->key_uses_max && in->uses > in->naf->key_uses_max ? KEY_USED : PASS;
}

/* Whether a peer may ask comes first: nobody learns from the code whether another application's B-TID lives. */
static enum verdict (*const checks[])(const struct zn_ask *in) = {
	check_origin, check_keys,    check_fqdn,    check_vouched, check_ua_id,
	check_btid,   check_session, check_variant, check_age,     check_uses,
};

#define N_CHECKS (sizeof(checks) / sizeof(checks[0]))

/* 5402 and 5403 go into Experimental-Result */
static void zn_refuse(struct zn_bia *out, uint32_t code)
{
	memset(out, 0, sizeof(*out));
	out->result.code = code;
	if (code == RESULT_X_NOT_AUTHORIZED || code == RESULT_X_TRANSACTION_INVALID) {
		out->result.experimental = true;
		out->result.vendor = RESULT_VENDOR_3GPP;
	}
}

static bool gsid_repeated(const struct zn_bir *bir, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!strcmp(bir->gsids[i], bir->gsids[at]))
			return true;
	return false;
}

/* Positions in bir->gsids that this NAF may have, each GSID once. \returns how many */
static size_t gsids_allowed(const struct zn_ask *in, size_t at[ZN_GSIDS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < in->bir->n_gsids; i++)
		if (names_has(&in->naf->gsids, span_str(in->bir->gsids[i])) && !gsid_repeated(in->bir, i))
			at[n++] = i;
	return n;
}

/* Of a service the USS of the first of its groups that has one, else the one without a group. \returns is there one? */
static bool find_uss(const struct guss_copy *guss, struct guss_copy_uss *out, const struct naf_policy *naf,
		     const char *gsid)
{
	bool found = guss_copy_find(guss, out, span_str(gsid), NULL);

	for (size_t i = 0; i < naf->groups.n; i++) {
		struct guss_copy_uss of;

		if (!guss_copy_find(guss, &of, span_str(gsid), naf->groups.s[i]) ||
		    (found && of.whole.p == out->whole.p))
			continue;
		*out = of;
		return true;
	}
	return found;
}

/* 33.220 4.4.6: required ones are there, and those asked for, found and allowed are chosen, without their group. */
static enum verdict uss_choose(struct zn_bia *out, const struct zn_ask *in, const struct guss_copy *guss,
			       const size_t *at, size_t n)
{
	struct guss_copy_uss chosen[ZN_GSIDS_MAX], any;
	const struct naf_policy *naf = in->naf;
	size_t n_chosen = 0;

	for (size_t i = 0; i < naf->required_gsids.n; i++)
		if (!find_uss(guss, &any, naf, naf->required_gsids.s[i]))
			return USS_MISSING;
	for (size_t i = 0; i < n; i++)
		n_chosen += find_uss(guss, &chosen[n_chosen], naf, in->bir->gsids[at[i]]);
	if (n_chosen && guss_copy_list(guss, &out->uss_list, &out->uss_list_len, chosen, n_chosen, naf->anonymous) < 0)
		return STORE_FAILED;
	return PASS;
}

static enum verdict fill_uss(struct zn_bia *out, const struct zn_ask *in)
{
	size_t at[ZN_GSIDS_MAX], n = gsids_allowed(in, at);
	struct guss_copy guss;
	enum verdict v;

	if (n == 0 && in->naf->required_gsids.n == 0)
		return PASS;
	/* it was read before it was stored: what fails now is memory or a damaged record */
	if (guss_copy_open(&guss, guss_blob_span(in->session->guss)) < 0)
		return STORE_FAILED;
	v = uss_choose(out, in, &guss, at, n);
	guss_copy_close(&guss);
	return v;
}

/* Ks_NAF, or Ks_ext_NAF (the same derivation) and, for a NAF that knows GBA_U, Ks_int_NAF; of these what its policy allows. */
static enum verdict fill_keys(struct zn_bia *out, const struct zn_ask *in)
{
	const struct gba_session *s = in->session;
	struct span naf_id = span_of(in->bir->naf_id.raw, in->bir->naf_id.len), impi = span_str(s->impi.s);
	bool uicc = s->variant == GBA_VARIANT_U && in->bir->gba_u_aware && in->naf->keys != NAF_KEYS_ME;
	int rc = 0;

	if (!uicc && in->naf->keys == NAF_KEYS_UICC)
		return KEYS_DENIED;
	if (in->naf->keys != NAF_KEYS_UICC)
		rc = kdf_ks_naf(&out->me_key, KDF_KS_NAF, &s->ks, s->rand, impi, naf_id);
	if (rc == 0 && uicc)
		rc = kdf_ks_naf(&out->uicc_key, KDF_KS_INT_NAF, &s->ks, s->rand, impi, naf_id);
	return rc < 0 ? STORE_FAILED : PASS;
}

static void fill_rest(struct zn_bia *out, const struct zn_ask *in)
{
	static const enum zn_gba_type types[] = { [GBA_VARIANT_2G] = ZN_GBA_2G, [GBA_VARIANT_DIGEST] = ZN_GBA_DIGEST };

	out->gba_type = types[in->session->variant];
	out->result.code = RESULT_SUCCESS;
	out->has_times = true;
	out->created_at = in->session->created_at;
	out->expires_at = in->session->expires_at;
	if (in->naf->private_identity && !in->naf->anonymous)
		out->impi = in->session->impi;
}

enum cause zn_decide(struct zn_bia *out, const struct zn_ask *in)
{
	enum verdict v = PASS;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < N_CHECKS && v == PASS; i++)
		v = checks[i](in);
	if (v == PASS)
		v = fill_uss(out, in);
	if (v == PASS)
		v = fill_keys(out, in);
	if (v == PASS) {
		fill_rest(out, in);
		return CAUSE_zn_ok;
	}
	zn_bia_clear(out);
	zn_refuse(out, answers[v].code);
	return answers[v].cause;
}
