/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/zh_wire.h"

#include <errno.h>

#define VECTOR_LEN (AKA_RAND_LEN + AKA_AUTN_LEN) /* SIP-Authenticate */
#define RESYNC_LEN (AKA_RAND_LEN + AKA_AUTS_LEN) /* SIP-Authorization of a resynchronisation */
#define NO_SCHEME  "?"

#define NO_STATE_MAINTAINED 1

static const struct dia_rule mar_rules[] = {
	{ AVP_SESSION_ID, 1, 1, false },         { AVP_VSAI, 1, 1, false },
	{ AVP_AUTH_SESSION_STATE, 1, 1, false }, { AVP_ORIGIN_HOST, 1, 1, false },
	{ AVP_ORIGIN_REALM, 1, 1, false },       { AVP_DESTINATION_REALM, 1, 1, false },
	{ AVP_DESTINATION_HOST, 0, 1, false },   { AVP_USER_NAME, 0, 1, false },
	{ AVP_PUBLIC_IDENTITY, 0, 1, true },     { AVP_SIP_AUTH_DATA_ITEM, 0, 1, false },
	{ AVP_GUSS_TIMESTAMP, 0, 1, false },     { AVP_AUTH_APPLICATION_ID, 0, 1, false },
	{ AVP_PROXY_INFO, 0, 0, true },          { AVP_ROUTE_RECORD, 0, 0, true },
};

/* An answer is read leniently: what is not needed may be missing. One vector was asked for: a second one is not used. */
static const struct dia_rule maa_rules[] = {
	{ AVP_RESULT_CODE, 0, 1, false },
	{ AVP_EXPERIMENTAL_RESULT, 0, 1, false },
	{ AVP_SIP_AUTH_DATA_ITEM, 0, 0, false },
	{ AVP_GUSS, 0, 1, false },
};

#define GRAMMAR(flags, rules) \
	{ \
		GBA_APP_ZH, GBA_CMD_MA, flags, rules, sizeof(rules) / sizeof((rules)[0]) \
	}

const struct dia_grammar zh_wire_mar = GRAMMAR(DIA_CMD_R | DIA_CMD_P, mar_rules);
const struct dia_grammar zh_wire_maa = GRAMMAR(DIA_CMD_P, maa_rules);

static int get_mar_item(struct zh_mar *mar, const struct dia_avp *item, struct dia_fault *bad)
{
	struct dia_iter it = dia_wire_inside(item);
	struct dia_avp a;

	while (dia_wire_next(&it, &a) == 1) {
		if (a.id == AVP_SIP_AUTH_SCHEME) {
			/* a name that does not fit is a scheme nobody has */
			if (span_to_str(mar->scheme, sizeof(mar->scheme), a.data))
				strcpy(mar->scheme, NO_SCHEME);
		} else if (a.id == AVP_SIP_AUTHORIZATION) {
			if (a.data.len != RESYNC_LEN)
				return dia_fault_set(bad, RESULT_INVALID_AVP_VALUE, &a);
			memcpy(mar->rand, a.data.p, AKA_RAND_LEN);
			memcpy(mar->auts, a.data.p + AKA_RAND_LEN, AKA_AUTS_LEN);
			mar->has_resync = true;
		}
	}
	return 0;
}

static int get_mar_avp(struct zh_mar *mar, const struct dia_avp *a, struct dia_fault *bad)
{
	switch (a->id) {
	case AVP_USER_NAME:
		if (span_to_str(mar->impi.s, sizeof(mar->impi.s), a->data))
			return dia_fault_set(bad, RESULT_INVALID_AVP_VALUE, a);
		return 0;
	case AVP_GUSS_TIMESTAMP:
		mar->guss_timestamp = dia_wire_time(a);
		mar->has_guss_timestamp = true;
		return 0;
	case AVP_SIP_AUTH_DATA_ITEM:
		return get_mar_item(mar, a, bad);
	default:
		return 0;
	}
}

int zh_wire_mar_get(struct zh_mar *out, struct span msg, struct dia_fault *bad)
{
	struct dia_iter it = dia_wire_avps(msg);
	struct zh_mar mar = { .has_resync = false };
	struct dia_avp a;
	int rc;

	rc = dia_check(bad, msg, &zh_wire_mar, NULL);
	while (!rc && dia_wire_next(&it, &a) == 1)
		rc = get_mar_avp(&mar, &a, bad);
	if (rc)
		return rc;
	if (!mar.impi.s[0] && !dia_wire_find(&a, dia_wire_avps(msg), AVP_PUBLIC_IDENTITY))
		return dia_fault_missing(bad, AVP_USER_NAME);
	*out = mar;
	return 0;
}

static void put_mar_item(struct writer *w, const struct zh_mar *in)
{
	size_t mark = dia_wire_group(w, AVP_SIP_AUTH_DATA_ITEM);
	uint8_t resync[RESYNC_LEN];

	if (in->scheme[0])
		dia_wire_put_str(w, AVP_SIP_AUTH_SCHEME, in->scheme);
	if (in->has_resync) {
		memcpy(resync, in->rand, AKA_RAND_LEN);
		memcpy(resync + AKA_RAND_LEN, in->auts, AKA_AUTS_LEN);
		dia_wire_put(w, AVP_SIP_AUTHORIZATION, span_of(resync, sizeof(resync)));
	}
	dia_wire_group_end(w, mark);
}

int zh_wire_mar_put(struct writer *w, const struct dia_address *to, const struct zh_mar *in)
{
	dia_build_request(w, &zh_wire_mar, to);
	if (in->impi.s[0])
		dia_wire_put_str(w, AVP_USER_NAME, in->impi.s);
	if (in->scheme[0] || in->has_resync)
		put_mar_item(w, in);
	if (in->has_guss_timestamp)
		dia_wire_put_time(w, AVP_GUSS_TIMESTAMP, in->guss_timestamp);
	return dia_wire_end(w);
}

static int get_part(struct secret *out, struct span s, size_t min, size_t max)
{
	return s.len >= min && s.len <= max ? secret_set(out, s.p, s.len) : -EBADMSG;
}

static int get_maa_part(struct aka_vector *v, const struct dia_avp *a)
{
	switch (a->id) {
	case AVP_SIP_AUTHENTICATE:
		if (a->data.len != VECTOR_LEN)
			return -EBADMSG;
		memcpy(v->rand, a->data.p, AKA_RAND_LEN);
		memcpy(v->autn, a->data.p + AKA_RAND_LEN, AKA_AUTN_LEN);
		return 0;
	case AVP_SIP_AUTHORIZATION:
		return get_part(&v->res, a->data, AKA_RES_MIN, AKA_RES_MAX);
	case AVP_CK:
		return get_part(&v->ck, a->data, AKA_KEY_LEN, AKA_KEY_LEN);
	case AVP_IK:
		return get_part(&v->ik, a->data, AKA_KEY_LEN, AKA_KEY_LEN);
	default:
		return 0;
	}
}

/* A part that is there must have its length; parts may be missing (no vector then). */
static int get_maa_item(struct zh_maa *maa, const struct dia_avp *item)
{
	struct dia_iter it = dia_wire_inside(item);
	bool ours, challenge;
	struct dia_avp a;
	int rc = 0;

	while (!rc && dia_wire_next(&it, &a) == 1)
		rc = get_maa_part(&maa->vector.aka, &a);
	challenge = dia_wire_find(&a, dia_wire_inside(item), AVP_SIP_AUTHENTICATE);
	ours = !dia_wire_find(&a, dia_wire_inside(item), AVP_SIP_AUTH_SCHEME) ||
	       span_ieq(a.data, span_str(ZH_SCHEME_AKAV1));
	if (ours && challenge && maa->vector.aka.res.len && maa->vector.aka.ck.len && maa->vector.aka.ik.len)
		maa->vector.kind = ZH_VECTOR_AKA;
	return rc;
}

int zh_wire_maa_get(struct zh_maa *out, struct span msg)
{
	struct zh_maa maa = { .vector.kind = ZH_VECTOR_NONE };
	struct dia_fault bad;
	struct dia_avp a;
	int rc;

	rc = dia_check(&bad, msg, &zh_wire_maa, NULL);
	if (rc)
		return rc;
	dia_build_result(&maa.result, msg);
	if (maa.result.code == RESULT_SUCCESS && !maa.result.experimental) {
		if (dia_wire_find(&a, dia_wire_avps(msg), AVP_SIP_AUTH_DATA_ITEM))
			rc = get_maa_item(&maa, &a);
		if (dia_wire_find(&a, dia_wire_avps(msg), AVP_GUSS))
			maa.guss = a.data;
	}
	if (maa.vector.kind == ZH_VECTOR_NONE)
		zh_vector_clear(&maa.vector);
	if (!rc)
		*out = maa;
	zh_maa_clear(&maa);
	return rc;
}

static void put_vector(struct writer *w, const struct aka_vector *v)
{
	size_t mark = dia_wire_group(w, AVP_SIP_AUTH_DATA_ITEM);
	uint8_t challenge[VECTOR_LEN];

	memcpy(challenge, v->rand, AKA_RAND_LEN);
	memcpy(challenge + AKA_RAND_LEN, v->autn, AKA_AUTN_LEN);
	dia_wire_put_str(w, AVP_SIP_AUTH_SCHEME, ZH_SCHEME_AKAV1);
	dia_wire_put(w, AVP_SIP_AUTHENTICATE, span_of(challenge, sizeof(challenge)));
	dia_wire_put(w, AVP_SIP_AUTHORIZATION, span_of(v->res.b, v->res.len));
	dia_wire_put(w, AVP_CK, span_of(v->ck.b, v->ck.len));
	dia_wire_put(w, AVP_IK, span_of(v->ik.b, v->ik.len));
	dia_wire_group_end(w, mark);
}

int zh_wire_maa_put(struct writer *w, struct span request, const struct dia_self *self, const struct zh_maa *in)
{
	struct dia_avp user;

	if (dia_build_answer(w, request, self, &in->result)) {
		dia_wire_put_u32(w, AVP_AUTH_SESSION_STATE, NO_STATE_MAINTAINED);
		if (dia_wire_find(&user, dia_wire_avps(request), AVP_USER_NAME))
			dia_wire_put(w, AVP_USER_NAME, user.data);
		if (in->vector.kind == ZH_VECTOR_AKA)
			put_vector(w, &in->vector.aka);
		if (in->guss.len)
			dia_wire_put(w, AVP_GUSS, in->guss);
	}
	return dia_build_answer_end(w, request, NULL);
}
